#pragma once

#include <string>
#include <vector>

#include "options/settings.h"
#include "options/status_options.h"

namespace culvert {

/// The options of `culvert status`; `proxy` are those of the proxy that were given, of which it
/// takes none.  Every problem found is appended to `problems`; the result is usable only if there
/// was none.
StatusOptions build_status(const Settings& own, const Settings& proxy,
                           std::vector<std::string>& problems);

}  // namespace culvert
