#include "base/secret_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

std::string reason_of(int error) { return std::generic_category().message(error); }

/// One buffer, which is read into; the one before it is wiped.
class SecretBuffer {
 public:
  explicit SecretBuffer(std::size_t size) : bytes_(size, '\0') {}

  std::size_t size() const { return filled_; }
  /// As read(2).
  ssize_t read_from(int fd) {
    if (filled_ == bytes_.size()) grow();
    const ssize_t count = read(fd, bytes_.data() + filled_, bytes_.size() - filled_);
    if (count > 0) filled_ += static_cast<std::size_t>(count);
    return count;
  }
  Secret take() {
    bytes_.resize(filled_);
    return Secret(std::move(bytes_));
  }
  ~SecretBuffer() { wipe(bytes_); }
  SecretBuffer(const SecretBuffer&) = delete;
  SecretBuffer& operator=(const SecretBuffer&) = delete;

 private:
  void grow() {
    std::string larger(2 * bytes_.size(), '\0');
    std::copy(bytes_.begin(), bytes_.end(), larger.begin());
    wipe(bytes_);
    bytes_ = std::move(larger);
  }

  std::string bytes_;
  std::size_t filled_ = 0;
};

SecretFile read_whole(int fd, std::size_t size, std::size_t most) {
  SecretBuffer buffer(size + 1);  // the end shows without a larger one
  for (;;) {
    const ssize_t count = buffer.read_from(fd);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return {{}, reason_of(errno)};
    if (buffer.size() > most) return {{}, concat({"larger than ", std::to_string(most), " bytes"})};
    if (count == 0) return {buffer.take(), {}};
  }
}

}  // namespace

SecretFile read_secret_file(const std::string& path, std::size_t most) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat info {};
  SecretFile out;
  if (fd < 0 || fstat(fd, &info) != 0) {
    out.problem = reason_of(errno);
  } else if (S_ISFIFO(info.st_mode)) {
    out.problem = "a pipe, which cannot be read again by a reload";
  } else {
    const std::size_t size = info.st_size > 0 ? static_cast<std::size_t>(info.st_size) : 4096;
    out = read_whole(fd, std::min(size, most), most);
  }
  if (fd >= 0) close(fd);
  return out;
}

}  // namespace culvert
