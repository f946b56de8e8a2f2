#pragma once

#include <string>

namespace culvert {

/// The content of a file of at most 1 MiB, or why it cannot be had.
struct FileContent {
  std::string text;
  std::string problem;  ///< empty if all went well
};
FileContent read_file(const std::string& path);

}  // namespace culvert
