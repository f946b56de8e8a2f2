#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace culvert {

struct DurationUnit {
  std::string_view name;
  std::int64_t milliseconds;
};
/// As options take them, largest first.
inline constexpr std::array<DurationUnit, 4> kDurationUnits = {
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

/// The largest unit that is exact, as an option takes it: 90'000ms is "90s", 0 is "0".
std::string format_duration(std::chrono::milliseconds duration);

/// In seconds with one decimal, for messages: "4.0 s".
std::string format_seconds(std::chrono::milliseconds duration);

}  // namespace culvert
