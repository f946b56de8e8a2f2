#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// Where `path`, absolute as seen from within `root`, is for this process.  Symbolic links are
/// followed as a program would follow them whose root that is: none leads out of it.  What does not
/// exist is taken by its name.  Empty if links go round in circles.
std::string below_root(std::string_view root, std::string_view path);

/// A small file as it was found.
struct FoundFile {
  std::optional<std::string> content;  ///< nullopt: there is none, or see `problem`
  std::string problem;                 ///< "Permission denied"; empty if nothing is wrong
};

/// A regular file of 1 MiB at most: nothing else is read, or waited for.
FoundFile find_file(std::string_view root, std::string_view path);

}  // namespace culvert
