#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "session/session_record.h"

namespace culvert {

/// How a client has asked.
enum class RequestKind : std::uint8_t {
  none,  ///< what came was no request
  connect,
  socks,
  plain,
};
inline constexpr std::size_t kRequestKinds = static_cast<std::size_t>(RequestKind::plain) + 1;

/// The stable name for metrics and JSON.
std::string_view name_of(RequestKind kind);
/// By SessionRecord::method.
RequestKind kind_of(std::string_view method);

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
  std::uint64_t requests(RequestKind kind, Outcome outcome) const;
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

  /// All outcomes that there can be, by a number; some of those are of no request.
  static constexpr std::size_t outcomes();
  static Outcome outcome_at(std::size_t index);

 private:
  // The kinds of Outcome, and then in the place of Kind::error every Errc.
  static constexpr auto kErrors = static_cast<std::size_t>(Outcome::Kind::error);
  static constexpr std::size_t kOutcomes = kErrors + kErrcCount;
  static std::size_t index_of(Outcome outcome);
  std::uint64_t requests_at(std::size_t index) const;

  std::array<std::array<std::uint64_t, kOutcomes>, kRequestKinds> requests_{};
  std::uint64_t tunnels_ = 0;
  std::uint64_t exchanges_ = 0;
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
};

constexpr std::size_t Stats::outcomes() { return kOutcomes; }

}  // namespace culvert
