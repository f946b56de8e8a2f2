#include "net/terminal_keys.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace culvert {

TerminalKeys::TerminalKeys(Loop& loop, int fd, Typed typed) : loop_(loop), fd_(fd), typed_(typed) {
  take();
  watched_ = before_ && loop_.watch(fd_, *this, EPOLLIN) == 0;
}

TerminalKeys::~TerminalKeys() {
  if (watched_) loop_.unwatch(fd_, *this);
  give_back();
}

void TerminalKeys::take() {
  termios mode{};
  if (before_ || tcgetattr(fd_, &mode) != 0) return;
  before_ = mode;
  mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  mode.c_cc[VMIN] = 1;
  mode.c_cc[VTIME] = 0;
  tcsetattr(fd_, TCSANOW, &mode);
}

void TerminalKeys::give_back() {
  if (before_) tcsetattr(fd_, TCSANOW, &*before_);
  before_.reset();
}

void TerminalKeys::on_poll(std::uint32_t) {
  std::array<char, 256> keys;
  pollfd polled{fd_, POLLIN, 0};
  // The descriptor blocks, as it is also our parent's, and more is not reported.
  while (poll(&polled, 1, 0) > 0) {
    const ssize_t count = read(fd_, keys.data(), keys.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (count <= 0) {
      loop_.unwatch(fd_, *this);
      watched_ = false;
      return typed_({});
    }
    typed_({keys.data(), static_cast<std::size_t>(count)});
  }
}

}  // namespace culvert
