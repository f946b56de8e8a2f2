#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace culvert {

/// All that is in a small file, as those below /proc and /etc; empty if it cannot be read.
std::string file_text(const std::string& path);

/// The same, but not much more than `most` bytes; nullopt if it cannot be read: errno tells why.
std::optional<std::string> file_text(const std::string& path, std::size_t most);

/// Appends what is left of `fd`, but not much more than `most` bytes, to `text`.  False if it
/// cannot be read: errno tells why.
bool read_to_end(int fd, std::size_t most, std::string& text);

}  // namespace culvert
