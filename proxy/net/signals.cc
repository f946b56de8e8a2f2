#include "net/signals.h"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <initializer_list>

#include <uv.h>

#include "base/fatal.h"

namespace culvert {

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t out;
  sigemptyset(&out);
  for (const int signal : signals) sigaddset(&out, signal);
  return out;
}

}  // namespace

EarlySignals::EarlySignals() {
  const sigset_t both = held();
  pthread_sigmask(SIG_BLOCK, &both, &before_);
}

sigset_t EarlySignals::held() { return set_of({SIGHUP, SIGUSR2}); }

void EarlySignals::give_back() const { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

HeldSignals::HeldSignals(Which which) : which_(which) {
  const sigset_t held =
      which == Which::all ? set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR2}) : set_of({SIGTERM, SIGINT});
  pthread_sigmask(SIG_BLOCK, &held, nullptr);
}

HeldSignals::~HeldSignals() {
  // The parent process may have blocked signals that we need.
  const sigset_t needed = which_ == Which::all ? set_of({SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD})
                                               : set_of({SIGTERM, SIGINT});
  pthread_sigmask(SIG_UNBLOCK, &needed, nullptr);
}

struct SignalWatcher::Handle {
  uv_signal_t uv;
  Callback<void(int)> received;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal, Callback<void(int)> received)
    : loop_(loop), handle_(new Handle{{}, received}) {
  if (const int failed = uv_signal_init(loop.uv(), &handle_->uv)) {
    fatal("uv_signal_init", -failed);
  }
  handle_->uv.data = handle_;
  // Fails only for a signal that the system does not have.
  uv_signal_start(
      &handle_->uv,
      [](uv_signal_t* uv, int number) { static_cast<Handle*>(uv->data)->received(number); },
      signal);
}

SignalWatcher::~SignalWatcher() {
  loop_.uv();  // requests the turn in which the handle is closed
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->uv),
           [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
}

BlockedSignalWatcher::BlockedSignalWatcher(Loop& loop, int signal, Callback<void(int)> received)
    : loop_(loop), signal_(signal), received_(received) {
  const sigset_t blocked = set_of({signal});
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  fd_ = signalfd(-1, &blocked, SFD_NONBLOCK | SFD_CLOEXEC);
  // If the system refuses, it is not noticed.
  if (fd_ >= 0) static_cast<void>(loop_.watch(fd_, *this, EPOLLIN));
}

BlockedSignalWatcher::~BlockedSignalWatcher() {
  if (fd_ < 0) return;
  loop_.unwatch(fd_, *this);
  close(fd_);
}

void BlockedSignalWatcher::on_poll(std::uint32_t) {
  signalfd_siginfo info{};
  bool came = false;
  while (read(fd_, &info, sizeof info) == sizeof info) came = true;
  if (came) received_(signal_);
}

}  // namespace culvert
