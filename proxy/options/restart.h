#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"

namespace culvert {

/// The flags in which `now` differs from what the process was `started` with, and whose change a
/// reload cannot apply.
std::vector<std::string_view> changed_until_restart(const Config& started, const Config& now);

}  // namespace culvert
