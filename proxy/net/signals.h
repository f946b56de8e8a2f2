#pragma once

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

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
