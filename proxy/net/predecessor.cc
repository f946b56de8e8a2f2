#include "net/predecessor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace culvert {

Predecessor::~Predecessor() {
  if (control_ >= 0) close(control_);
}

void Predecessor::await_turn() {
  if (control_ < 0) return;
  char byte = 0;
  static_cast<void>(send(control_, &byte, 1, MSG_NOSIGNAL));
  while (recv(control_, &byte, 1, 0) < 0 && errno == EINTR) {
  }
  close(std::exchange(control_, -1));
}

}  // namespace culvert
