#pragma once

#include <ctime>
#include <string>

namespace culvert {

/// "2026-11-28 14:03 UTC"
std::string utc_text(std::time_t time);

}  // namespace culvert
