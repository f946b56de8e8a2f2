#pragma once

#include <string>
#include <string_view>

#include "options/arguments.h"

namespace culvert {

/// The options of a command line as one would give them again, quoted for sh: all but `without`.
/// Where a secret was stands what to put there: "--upstream http://USER:PASSWORD@proxy:3128".
std::string given_options(const Arguments& read, std::string_view without = {});

/// The same of one option; empty if it was not given.
std::string given_option(const Arguments& read, std::string_view flag);

}  // namespace culvert
