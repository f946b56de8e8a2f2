#pragma once

#include <string_view>

namespace culvert {

/// In --tunnel-command, and as the port in an upstream's URL: a port that is chosen at the start.
inline constexpr std::string_view kPortMark = "{port}";

}  // namespace culvert
