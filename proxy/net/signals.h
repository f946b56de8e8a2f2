#pragma once

#include <csignal>
#include <cstdint>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// From its making on, SIGHUP and SIGUSR2 stay pending: who sends them wants this process to go on,
/// and they would end it.  For the first moments, before there is HeldSignals.
class EarlySignals {
 public:
  EarlySignals();
  /// The two.
  static sigset_t held();
  /// Their state is again as this process was given it.
  void give_back() const;

 private:
  sigset_t before_{};
};

/// While it exists, SIGTERM, SIGINT, SIGHUP and SIGUSR2 stay pending until they are watched,
/// instead of ending the process.  For the time before there is another thread.  Its end unblocks
/// them, and SIGCHLD, even if they were blocked before, and no others.
class HeldSignals {
 public:
  enum class Which : std::uint8_t { all, those_that_end };  // SIGTERM and SIGINT alone

  explicit HeldSignals(Which which = Which::all);
  ~HeldSignals();
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  Which which_;
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

/// The same for a signal that stays blocked, in this thread and all that it begins from now on, as
/// it would hinder what they do: SIGTTOU, which a thread gets that writes to a terminal.
class BlockedSignalWatcher : private Pollable {
 public:
  BlockedSignalWatcher(Loop& loop, int signal, Callback<void(int)> received);
  ~BlockedSignalWatcher() override;
  BlockedSignalWatcher(const BlockedSignalWatcher&) = delete;
  BlockedSignalWatcher& operator=(const BlockedSignalWatcher&) = delete;

 private:
  void on_poll(std::uint32_t events) override;

  Loop& loop_;
  int signal_;
  Callback<void(int)> received_;
  int fd_;
};

}  // namespace culvert
