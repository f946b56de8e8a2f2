#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "session/session_record.h"

namespace culvert {

/// A request that failed, with what its access line and its answer said.  No secret is in it.
struct FailedRequest {
  std::uint64_t number = 0;  ///< of the failures of one RecentFailures, from 1 on
  std::uint64_t id = 0;      ///< of the session
  std::chrono::system_clock::time_point time;
  std::string client{};    ///< SessionRecord::client_text()
  std::string method{};    ///< empty: there was no request line
  std::string target{};    ///< SessionRecord::target; may be empty
  std::string upstream{};  ///< UpstreamConfig::name; empty: none was chosen
  int status = 0;          ///< sent to the client; 0 if none
  std::string_view outcome{};
  std::string_view stage{};
  std::string explanation{};  ///< a sentence; empty if the outcome says all
  std::string_view hint{};    ///< a sentence; may be empty
  std::string detail{};       ///< more than that, and the attempts before; may be empty
};

/// The last requests of one worker that failed, for whoever asks why.  Takes no memory before there
/// is one.
class RecentFailures {
 public:
  static constexpr std::size_t kMost = 50;

  /// Of a request whose outcome is an error or Outcome::Kind::stalled.  Not counted: what was given
  /// up by its client, and a request without a password, as clients begin with one.
  void add(const SessionRecord& record);
  /// The number of the last one; 0: there was none.
  std::uint64_t last() const { return last_; }
  /// Appends those with a greater number, as far as they are kept, the oldest first.
  void copy_since(std::uint64_t number, std::vector<FailedRequest>& out) const;

 private:
  std::vector<FailedRequest> kept_;  // a ring: number N is at (N - 1) % kMost
  std::uint64_t last_ = 0;
};

}  // namespace culvert
