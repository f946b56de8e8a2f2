#pragma once

#include <string>
#include <vector>

#include "options/check_options.h"
#include "options/settings.h"

namespace culvert {

/// The options of `culvert check` that are its own, all but its Config.  Every problem found is
/// appended to `problems`; the result is usable only if there was none.
CheckOptions build_check(const Settings& own, const std::vector<std::string>& targets,
                         std::vector<std::string>& problems);

}  // namespace culvert
