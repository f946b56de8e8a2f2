#pragma once

#include <map>
#include <string>
#include <string_view>

#include "options/settings.h"

namespace culvert {

/// Variables by their names.
using Environment = std::map<std::string, std::string, std::less<>>;

/// The CULVERT_* variables of this process.
Environment process_environment();

/// "CULVERT_CONNECT_TIMEOUT" for the flag "connect-timeout".
std::string variable_name(std::string_view flag);

/// CULVERT_LISTEN and so on: a flag's name in capitals, '-' as '_'.  The values of repeatable flags
/// are separated by white space, see Settings::add_each().  A variable that is empty, or white
/// space alone, is none.
Source read_environment(const Environment& environment);

}  // namespace culvert
