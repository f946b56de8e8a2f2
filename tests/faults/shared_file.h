// What a test and a library for LD_PRELOAD both have in memory.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>

/// The content of the file that the variable names; nullptr: there is none.
template <typename Content>
Content* map_shared_file(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) return nullptr;
  const int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return nullptr;
  void* const found = mmap(nullptr, sizeof(Content), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  return found == MAP_FAILED ? nullptr : static_cast<Content*>(found);
}
