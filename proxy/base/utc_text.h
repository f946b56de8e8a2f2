#pragma once

#include <chrono>
#include <ctime>
#include <string>

namespace culvert {

/// "2026-11-28 14:03 UTC"
std::string utc_text(std::time_t time);

/// "2026-11-28T14:03:07.042Z" (RFC 3339)
std::string rfc3339_text(std::chrono::system_clock::time_point time);

}  // namespace culvert
