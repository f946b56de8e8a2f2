#include "net/signals.h"

#include <system_error>

#include <uv.h>

namespace culvert {

HeldSignals::HeldSignals() {
  sigset_t held;
  sigemptyset(&held);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&held, signal);
  pthread_sigmask(SIG_BLOCK, &held, &before_);
}

HeldSignals::~HeldSignals() {
  // The parent process may have blocked signals that we need.
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD}) sigdelset(&before_, signal);
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

struct SignalWatcher::Handle {
  uv_signal_t uv;
  Callback<void(int)> received;
};

SignalWatcher::SignalWatcher(Loop& loop, int signal, Callback<void(int)> received)
    : loop_(loop), handle_(new Handle{{}, received}) {
  if (const int failed = uv_signal_init(loop.uv(), &handle_->uv)) {
    delete handle_;
    throw std::system_error(-failed, std::generic_category(), "uv_signal_init");
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

}  // namespace culvert
