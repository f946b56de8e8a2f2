#pragma once

#include <chrono>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// A Date field in its preferred form (RFC 9110 section 5.6.7), as all servers send it: "Sun, 06
/// Nov 1994 08:49:37 GMT".
std::optional<std::time_t> parse_http_date(std::string_view text);

/// A clock that differs by more is wrong.
inline constexpr std::chrono::seconds kMostClockDifference{300};

/// `difference` in words: "1 s", "7 minutes", "3 hours", "2 days".
std::string describe_difference(std::chrono::seconds difference);

/// "2026-11-28 14:03 UTC"
std::string time_text(std::time_t time);

}  // namespace culvert
