#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/log.h"

namespace culvert {

/// Warnings that others can cause as often as they like.  Of each kind a few are written in a
/// period; the next one that is written tells how many were not.
class RareWarnings {
 public:
  using Time = std::chrono::steady_clock::time_point;
  enum class Kind : std::uint8_t {
    // Of clients.
    wrong_protocol,
    wrong_balancer,  ///< no PROXY header, or from somebody who is not believed
    distrust,        ///< a certificate is not accepted, or missing
    failed_attempts,
    stalled,
    // What is short: the same sentence each time.
    no_accept,
    gave_way,
    refused,
  };

  static constexpr std::chrono::seconds kPeriod{10};
  static constexpr unsigned kMost = 10;  ///< of clients, in a period
  static constexpr unsigned kMostOfShort = 1;

  /// `log` outlives it.
  explicit RareWarnings(Log& log) : log_(log) {}

  /// True: it is written, and not only counted.
  [[gnu::cold]] bool write(Kind kind, Time now, std::string_view text);

 private:
  struct Seen {
    Time since{};
    unsigned written = 0;  // since then
    std::uint64_t held_back = 0;
  };

  Log& log_;
  std::array<Seen, static_cast<std::size_t>(Kind::refused) + 1> seen_{};
};

}  // namespace culvert
