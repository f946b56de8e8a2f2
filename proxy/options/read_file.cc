#include "options/read_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace culvert {
namespace {

constexpr std::size_t kMaxSize = std::size_t{1024} * 1024;

}  // namespace

bool is_pipe(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
}

bool others_can_read(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & S_IROTH) != 0;
}

FileContent read_file(const std::string& path, ReadWhen when) {
  FileContent content;
  const int no_wait = when == ReadWhen::serving ? O_NONBLOCK : 0;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | no_wait);
  if (fd < 0) {
    content.problem = std::strerror(errno);
    return content;
  }
  if (when == ReadWhen::serving && is_pipe(path)) {
    content.problem = kPipeWhileServing;
  }
  std::array<char, 4096> chunk;
  while (content.problem.empty()) {
    const ssize_t n = ::read(fd, chunk.data(), chunk.size());
    if (n == 0) break;
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      content.problem = std::strerror(errno);
    } else if (content.text.size() > kMaxSize) {
      content.problem = "larger than 1 MiB";
    } else {
      content.text.append(chunk.data(), static_cast<std::size_t>(n));
    }
  }
  ::close(fd);
  return content;
}

}  // namespace culvert
