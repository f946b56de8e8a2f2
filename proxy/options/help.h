#pragma once

#include <string>
#include <string_view>

#include "options/flags.h"

namespace culvert {

/// The lines of help on a flag, limits and default filled in.
std::string help_on(const Flag& flag);

/// The beginning of that as one line: the purpose of the flag.
std::string summary_of(const Flag& flag);

/// Example commands, with a line of explanation before each.
extern const std::string_view kExamples;

/// The text of --help.
std::string help_text();

}  // namespace culvert
