#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// What a blocking read would delay.
enum class ReadWhen {
  starting,  ///< nothing, so a pipe may be waited for, as in `--config <(...)`
  serving,   ///< the clients of a loop, so nothing is waited for: pipes are refused
};

/// The problem of a pipe that would be waited for while serving.
inline constexpr std::string_view kPipeWhileServing = "a pipe, which can be read at the start only";
bool is_pipe(const std::string& path);
/// Its mode lets every user of this host read it.
bool others_can_read(const std::string& path);

/// The content of a file of at most 1 MiB, or why it cannot be read.
struct FileContent {
  std::string text;
  std::string problem;  ///< empty after a success
};
FileContent read_file(const std::string& path, ReadWhen when);

}  // namespace culvert
