#include "host/rooted_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "base/file_text.h"
#include "base/text.h"

namespace culvert {
namespace {

constexpr std::size_t kMostOfFile = std::size_t{1024} * 1024;
/// As many as Linux follows.
constexpr int kMostLinks = 40;

std::string_view cut_slashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

/// The target of the symbolic link `path`; empty if it is none.
std::string link_target(const std::string& path) {
  std::array<char, 4096> target;
  const ssize_t n = readlink(path.c_str(), target.data(), target.size());
  return n > 0 ? std::string(target.data(), static_cast<std::size_t>(n)) : std::string();
}

/// Takes the first part off `path`, without its slashes.
std::string take_part(std::string& path) {
  const std::size_t begin = path.find_first_not_of('/');
  if (begin == std::string::npos) {
    path.clear();
    return {};
  }
  const std::size_t end = std::min(path.find('/', begin), path.size());
  std::string part = path.substr(begin, end - begin);
  path.erase(0, end);
  return part;
}

/// Reads all of `fd` into `found`.
void read_all(int fd, FoundFile& found) {
  std::string content;
  if (!read_to_end(fd, kMostOfFile + 1, content)) {
    found.problem = std::strerror(errno);
  } else if (content.size() > kMostOfFile) {
    found.problem = "larger than 1 MiB";
  } else {
    found.content = std::move(content);
  }
}

/// Reads the file that `place` stands for, which was `path` a moment ago.
void read_regular(int place, const std::string& path, FoundFile& found) {
  std::string same = "/proc/self/fd/";
  append_number(same, place);
  int fd = open(same.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  // Without /proc, as in a chroot.
  if (fd < 0 && errno == ENOENT)
    fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
  if (fd < 0) {
    found.problem = std::strerror(errno);
    return;
  }
  read_all(fd, found);
  close(fd);
}

}  // namespace

std::string below_root(std::string_view root, std::string_view path) {
  const std::string top(cut_slashes(root));
  std::string resolved = top;
  std::string rest(path);
  int links = 0;
  while (true) {
    const std::string part = take_part(rest);
    if (part.empty()) return resolved.empty() ? "/" : resolved;
    if (part == ".") continue;
    if (part == "..") {
      if (resolved.size() > top.size()) resolved.erase(resolved.rfind('/'));
      continue;
    }
    std::string next = resolved;
    next.append("/").append(part);
    const std::string target = link_target(next);
    if (target.empty()) {
      resolved = std::move(next);
      continue;
    }
    if (++links > kMostLinks) return {};
    if (target.starts_with('/')) resolved = top;
    rest.insert(0, "/").insert(0, target);
  }
}

FoundFile find_file(std::string_view root, std::string_view path) {
  FoundFile found;
  const std::string real = below_root(root, path);
  if (real.empty()) {
    found.problem = std::strerror(ELOOP);
    return found;
  }
  // O_PATH: a device must not even be opened, as some act on that, and a pipe not be waited for.
  const int fd = open(real.c_str(), O_PATH | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) {
    if (errno != ENOENT && errno != ENOTDIR) found.problem = std::strerror(errno);
    return found;
  }
  struct stat info {};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    found.problem = "not a regular file";
  } else {
    read_regular(fd, real, found);
  }
  close(fd);
  return found;
}

}  // namespace culvert
