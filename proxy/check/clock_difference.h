#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// A Date field in its preferred form (RFC 9110 section 5.6.7), as all servers send it: "Sun, 06
/// Nov 1994 08:49:37 GMT".
std::optional<std::time_t> parse_http_date(std::string_view text);

/// How far a server's clock is before ours.
struct ClockSighting {
  std::string host{};
  std::chrono::seconds difference{0};
  /// The server's certificate was accepted, so that our clock is within these; 0: it has none.
  std::time_t not_before = 0, not_after = 0;
  bool in_tls() const { return not_after != 0; }
};

/// By a Date field and an Age, which a cache has added, at our time `now`; nullopt if `date` is
/// none.
std::optional<std::chrono::seconds> clock_difference(std::string_view date, std::string_view age,
                                                     std::time_t now);

/// What clocks of several servers say about ours.
struct ClockVerdict {
  const ClockSighting* sighting = nullptr;  ///< the one that decides; null: there is none
  bool wrong = false;                       ///< ours is, as far as one can tell
  const ClockSighting* odd = nullptr;       ///< if ours is right: one that is not
};

/// Ours is right if any server agrees with it.  A server whose certificate is not valid at the time
/// that it says proves nothing about ours.
ClockVerdict judge_clock(const std::vector<ClockSighting>& sightings, std::time_t now);

/// `difference` in words: "1 s", "7 minutes", "3 hours", "2 days".
std::string describe_difference(std::chrono::seconds difference);

}  // namespace culvert
