#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/error.h"
#include "session/session_record.h"

namespace culvert {

/// Sums over finished requests: each CONNECT is one, and each plain request.  For one thread; each
/// worker has its own, and whoever wants the sum of all adds them up.
class Stats {
 public:
  /// Adds a request that has its outcome.
  void add(const SessionRecord& record);
  Stats& operator+=(const Stats& other);

  std::uint64_t requests() const;
  /// Those that ended so.
  std::uint64_t requests(Outcome outcome) const;
  /// Those that got as far as a tunnel (a CONNECT, or a plain request that was upgraded).
  std::uint64_t tunnels() const { return tunnels_; }
  /// Those that were plain, and got as far as an exchange.
  std::uint64_t exchanges() const { return exchanges_; }
  /// Client to upstream, of all requests.
  std::uint64_t bytes_up() const { return bytes_up_; }
  /// Upstream to client, of all requests.
  std::uint64_t bytes_down() const { return bytes_down_; }

  /// "served 3 requests (2 ok, 1 dns_error), 12.3 MB up, 517 B down", the most frequent outcome
  /// first.  1 MB is 1,000,000 bytes.
  std::string summary() const;

 private:
  // The kinds of Outcome, and then in the place of Kind::error every Errc.
  static constexpr auto kErrors = static_cast<std::size_t>(Outcome::Kind::error);
  static std::size_t index_of(Outcome outcome);
  static Outcome outcome_at(std::size_t index);

  std::array<std::uint64_t, kErrors + kErrcCount> requests_{};
  std::uint64_t tunnels_ = 0;
  std::uint64_t exchanges_ = 0;
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
};

}  // namespace culvert
