#include "base/file_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <limits>
#include <utility>

namespace culvert {

bool read_to_end(int fd, std::size_t most, std::string& text) {
  std::array<char, 4096> chunk;
  for (const std::size_t begin = text.size(); text.size() - begin < most;) {
    const ssize_t n = read(fd, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n == 0;
    text.append(chunk.data(), static_cast<std::size_t>(n));
  }
  return true;
}

std::optional<std::string> file_text(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  std::string text;
  const bool complete = read_to_end(fd, most, text);
  const int error = errno;
  close(fd);
  errno = error;
  return complete ? std::optional(std::move(text)) : std::nullopt;
}

std::string file_text(const std::string& path) {
  return file_text(path, std::numeric_limits<std::size_t>::max()).value_or("");
}

}  // namespace culvert
