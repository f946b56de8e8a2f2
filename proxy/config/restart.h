#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"

namespace culvert {

/// The flags that differ between the two and that a reload cannot apply.
std::vector<std::string_view> changed_until_restart(const Config& before, const Config& after);

}  // namespace culvert
