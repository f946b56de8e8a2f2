#include "net/terminal.h"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

namespace culvert {

Terminal::Terminal() : fd_(open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)) {}

Terminal::~Terminal() {
  if (exists()) close(fd_);
}

bool Terminal::is_of(int group) const { return exists() && tcgetpgrp(fd_) == group; }

bool Terminal::move(int from, int to) {
  if (!is_of(from)) return false;
  // Whoever is in the background is stopped for this, unless the signal is blocked.
  sigset_t stop;
  sigset_t before;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, &before);
  const bool moved = tcsetpgrp(fd_, to) == 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return moved;
}

}  // namespace culvert
