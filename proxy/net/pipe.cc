#include "net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace culvert {

Pipe::Pipe(Pipe&& other) noexcept
    : read_end(std::exchange(other.read_end, -1)),
      write_end(std::exchange(other.write_end, -1)),
      held(std::exchange(other.held, 0)) {}

Pipe& Pipe::operator=(Pipe&& other) noexcept {
  std::swap(read_end, other.read_end);
  std::swap(write_end, other.write_end);
  std::swap(held, other.held);
  return *this;
}

Pipe::~Pipe() {
  if (!open()) return;
  close(read_end);
  close(write_end);
}

Pipe PipePool::borrow() {
  Pipe pipe;
  if (!idle_.empty()) {
    pipe = std::move(idle_.back());
    idle_.pop_back();
  } else if (lent_ < kMost) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0) {
      pipe.read_end = ends[0];
      pipe.write_end = ends[1];
      // Fails beyond the user's share of pipe memory; a small pipe works too.
      static_cast<void>(fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes));
    }
  }
  if (pipe.open()) ++lent_;
  return pipe;
}

void PipePool::give_back(Pipe pipe) {
  if (!pipe.open()) return;
  --lent_;
  if (pipe.held == 0) idle_.push_back(std::move(pipe));
}

}  // namespace culvert
