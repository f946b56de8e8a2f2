#include "commands/patient_output.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "net/thread.h"

namespace culvert {
namespace {

constexpr std::size_t kPiece = 4'096;

/// What the system holds for a reader; 0: it does not tell.  A write is over only when a page of
/// it is free: at a console of 9600 baud that takes seconds.
int unread_bytes(int fd) {
  int bytes = 0;
  const bool known = ioctl(fd, TIOCOUTQ, &bytes) == 0 || ioctl(fd, FIONREAD, &bytes) == 0;
  return known ? bytes : 0;
}

}  // namespace

struct PatientOutput::State {
  explicit State(int descriptor) : fd(descriptor) {}

  bool settled() const { return failed || text.empty(); }

  const int fd;
  std::mutex mutex;
  std::condition_variable changed;
  std::string text;  // that is still to be written
  std::uint64_t pieces = 0;
  bool failed = false;
  bool closing = false;
  bool alone = false;  // there is no thread
};

PatientOutput::PatientOutput(int fd) : state_(std::make_shared<State>(fd)) {
  state_->alone = !Thread::start_detached([state = state_] { work(state); });
}

PatientOutput::~PatientOutput() {
  const std::lock_guard lock(state_->mutex);
  state_->closing = true;
  state_->changed.notify_all();
}

void PatientOutput::work(const std::shared_ptr<State>& state) {
  while (write_some(*state)) {
  }
}

/// False: there is nothing more to do.
bool PatientOutput::write_some(State& state) {
  std::unique_lock lock(state.mutex);
  state.changed.wait(lock, [&] { return !state.text.empty() || state.closing; });
  if (state.text.empty()) return false;
  const std::string piece = state.text.substr(0, kPiece);
  lock.unlock();
  const ssize_t written = ::write(state.fd, piece.data(), piece.size());
  const int error = written < 0 ? errno : 0;
  if (error == EAGAIN) {
    pollfd ready{.fd = state.fd, .events = POLLOUT, .revents = 0};
    static_cast<void>(poll(&ready, 1, -1));
  }
  lock.lock();
  if (written > 0) state.text.erase(0, static_cast<std::size_t>(written));
  state.failed = written < 0 && error != EAGAIN && error != EINTR;
  ++state.pieces;
  state.changed.notify_all();
  return !state.failed;
}

void PatientOutput::write(std::string_view text) {
  if (text.empty()) return;
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->failed) return;
    state_->text += text;
    state_->changed.notify_all();
  }
  while (state_->alone && !wait(std::chrono::milliseconds(0))) write_some(*state_);
}

bool PatientOutput::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(state_->mutex);
  return state_->changed.wait_for(lock, limit, [&] { return state_->settled(); });
}

bool PatientOutput::wait_for_reader(std::chrono::milliseconds patience) {
  std::unique_lock lock(state_->mutex);
  while (!state_->settled()) {
    const std::uint64_t before = state_->pieces;
    const int unread = unread_bytes(state_->fd);
    const auto moved = [&] { return state_->pieces != before; };
    if (state_->changed.wait_for(lock, patience, moved)) continue;
    if (unread_bytes(state_->fd) == unread) return false;
  }
  return true;
}

bool PatientOutput::failed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->failed;
}

}  // namespace culvert
