#pragma once

#include <string>
#include <string_view>

#include "options/command_table.h"
#include "options/flags.h"

namespace culvert {

/// The lines of help on a flag, limits and the default, which is what `defaults` has, filled in.
std::string help_on(const Flag& flag, const Config& defaults = Config());

/// The beginning of that as one line: the purpose of the flag.
std::string summary_of(const Flag& flag);
std::string summary_of(const CommandFlag& flag);

/// Example commands, with a line of explanation before each.
extern const std::string_view kExamples;

/// The text of --help.
std::string help_text();

/// The text of `culvert COMMAND --help`: what fits a screen of 80 columns.
std::string help_on_command(const Command& command);

}  // namespace culvert
