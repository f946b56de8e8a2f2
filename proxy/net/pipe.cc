#include "net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace culvert {
namespace {

// Beyond the user's share of pipe memory a new pipe has two pages and cannot grow, which is slower
// than copying.
constexpr int kLeastPipeBytes = 256 * 1024;
// A failed attempt to get a pipe costs four system calls.
constexpr int kCopiesUntilRetry = 100;

}  // namespace

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
  } else if (copies_until_retry_ > 0) {
    --copies_until_retry_;
  } else if (lent_ < kMost) {
    pipe = open_pipe();
    if (!pipe.open()) copies_until_retry_ = kCopiesUntilRetry;
  }
  if (pipe.open()) ++lent_;
  return pipe;
}

Pipe PipePool::open_pipe() {
  int ends[2];
  if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return {};
  Pipe pipe;
  pipe.read_end = ends[0];
  pipe.write_end = ends[1];
  for (const int bytes : {kPipeBytes, kLeastPipeBytes}) {
    if (fcntl(pipe.write_end, F_SETPIPE_SZ, bytes) >= bytes) return pipe;
  }
  return {};
}

void PipePool::give_back(Pipe pipe) {
  if (!pipe.open()) return;
  --lent_;
  if (pipe.held == 0) idle_.push_back(std::move(pipe));
}

}  // namespace culvert
