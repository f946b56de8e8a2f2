#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "options/read_file.h"
#include "options/settings.h"

namespace culvert {

/// Settings as a Config.  Every problem found is appended to `problems`, each naming the origin of
/// the value; the result is usable only if there was none.
Config build_config(const Settings& settings, ReadWhen when, std::vector<std::string>& problems);

}  // namespace culvert
