#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/rooted_file.h"

namespace culvert {

/// The names in a folder, sorted; empty if it cannot be read.
std::vector<std::string> names_in(std::string_view root, std::string_view path);

bool exists(std::string_view root, std::string_view path);
/// The path of a program, as seen from within the root; empty if no folder for programs has it.
std::string find_program(std::string_view root, std::string_view name);

}  // namespace culvert
