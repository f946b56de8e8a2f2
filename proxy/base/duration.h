#pragma once

#include <chrono>
#include <string>

namespace culvert {

/// The largest unit that is exact, as an option takes it: 90'000ms is "90s", 0 is "0".
std::string format_duration(std::chrono::milliseconds duration);

/// In seconds with one decimal, for messages: "4.0 s".
std::string format_seconds(std::chrono::milliseconds duration);

}  // namespace culvert
