#include "commands/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace culvert {

void fill_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest number that is free is this one: those below were filled before.
    if (fcntl(fd, F_GETFD) < 0) static_cast<void>(open("/dev/null", O_RDWR | O_CLOEXEC));
  }
}

void print(std::FILE* to, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), to));
}

void complain(std::string_view text) {
  print(stderr, std::string("culvert: ").append(text).append("\n"));
}

int flushed(int status) { return std::fflush(stdout) == 0 && !std::ferror(stdout) ? status : 1; }

}  // namespace culvert
