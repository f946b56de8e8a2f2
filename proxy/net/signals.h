#pragma once

#include <csignal>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// While it exists, SIGTERM, SIGINT, SIGHUP and SIGUSR2 stay pending until they are watched,
/// instead of ending the process.  For the time before there is another thread.  Its end unblocks
/// them, and SIGCHLD, even if they were blocked before.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

/// Calls back each time the process gets a signal, while it exists.
class SignalWatcher {
 public:
  SignalWatcher(Loop& loop, int signal, Callback<void(int)> received);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct Handle;  // libuv closes it a turn after us
  Loop& loop_;
  Handle* handle_;
};

}  // namespace culvert
