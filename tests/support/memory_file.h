// A file in memory for a log, and what was written to it.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "support/sockets.h"

namespace culvert::test {

class MemoryFile {
 public:
  int fd() const { return file_.get(); }
  std::string text() const {
    std::string text(static_cast<std::size_t>(lseek(fd(), 0, SEEK_END)), '\0');
    if (pread(fd(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
      throw std::runtime_error("a file in memory cannot be read");
    }
    return text;
  }

 private:
  Fd file_{memfd_create("culvert test", MFD_CLOEXEC)};
};

}  // namespace culvert::test
