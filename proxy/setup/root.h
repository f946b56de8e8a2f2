#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// Where `path`, absolute as seen from within `root`, is for this process.  Symbolic links are
/// followed as a program would follow them whose root that is: none leads out of it.  What does not
/// exist is taken by its name.  Empty if links go round in circles.
std::string below_root(std::string_view root, std::string_view path);

/// A small file as setup finds it.
struct FoundFile {
  std::optional<std::string> content;  ///< nullopt: there is none, or see `problem`
  std::string problem;                 ///< "Permission denied"; empty if nothing is wrong
};

/// Of 1 MiB at most.
FoundFile find_file(std::string_view root, std::string_view path);

/// The names in a folder, sorted; empty if it cannot be read.
std::vector<std::string> names_in(std::string_view root, std::string_view path);

bool exists(std::string_view root, std::string_view path);
/// The path of a program, as seen from within the root; empty if no folder for programs has it.
std::string find_program(std::string_view root, std::string_view name);

}  // namespace culvert
