#pragma once

#include "options/command_line.h"

namespace culvert {

/// `culvert --check-config` and `--print-config`: opens what a start would open and says whether
/// all of it is valid, or prints it.  Binds and starts nothing.  The exit status: 2 if something
/// is not valid, with a line for each mistake.
int answer_config_question(const ConfigQuestion& question);

/// "the configuration is valid: 2 listeners, 3 upstreams, 1 route"
std::string valid_config_line(const Config& config);

}  // namespace culvert
