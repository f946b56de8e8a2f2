#pragma once

#include <csignal>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// As long as it lives, SIGTERM, SIGINT and SIGHUP wait for those who will watch them, instead of
/// ending the process.  For the time before there is another thread.  Afterwards they come, as does
/// SIGCHLD, even if they were blocked before.
class HeldSignals {
 public:
  HeldSignals();
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  sigset_t before_;
};

/// Calls back each time the process gets a signal, as long as it lives.
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
