#pragma once

#include <string>
#include <vector>

#include "options/settings.h"
#include "options/setup_options.h"

namespace culvert {

/// The options of `culvert setup`: `own` are its flags, `service` those of the proxy, `words` the
/// targets.  Every problem found is appended to `problems`; the result is usable only if there was
/// none.
SetupOptions build_setup(const Settings& own, const Settings& service,
                         const std::vector<std::string>& words, std::vector<std::string>& problems);

}  // namespace culvert
