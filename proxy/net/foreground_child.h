#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "net/held_child.h"
#include "net/loop.h"
#include "net/signals.h"
#include "net/terminal.h"
#include "net/terminal_signals.h"

namespace culvert {

/// Runs a HeldChild so that it seems to run in our place.  If our process group has the terminal,
/// the child's gets it, and what the terminal then sends to that group our group gets as well, as
/// if it was one; signals that we get are passed on to the child's group; if it stops, we stop, so
/// that a shell takes both for one job, and it continues with us.
class ForegroundChild {
 public:
  /// How it ended.
  struct End {
    int status = 0;           ///< as it exited
    int signal = 0;           ///< that ended it; 0: none
    int execution_error = 0;  ///< errno, if there was no program to execute
    bool by_key = false;      ///< the terminal has sent that signal; it would have ended us, too
  };

  /// Called once, and not within start(); may not destroy the object.
  using Ended = Callback<void(const End&)>;
  /// SIGINT, SIGTERM, SIGHUP, SIGQUIT or SIGALRM came before start(), or after the child's end.
  using AskedToEnd = Callback<void(int signal)>;

  /// `terminal_signals` are of the child's group, or nullptr.
  ForegroundChild(Loop& loop, std::unique_ptr<HeldChild> child,
                  std::unique_ptr<TerminalSignals> terminal_signals, Ended ended,
                  AskedToEnd asked_to_end);
  ForegroundChild(const ForegroundChild&) = delete;
  ForegroundChild& operator=(const ForegroundChild&) = delete;

  /// Lets the child run its program, see HeldChild::release().
  void start(std::string_view word);

 private:
  void watch(int signal);
  void on_signal(int signal);
  void on_signal_alone(int signal);
  void on_terminal_signal(int signal);
  void pass_on(int signal);
  void signal_group(int signal);
  void on_neighbour_wants_terminal();
  void on_child_changed();
  void on_stopped(int signal);
  void resume();
  void on_ended(int wait_status);

  Loop& loop_;
  std::unique_ptr<HeldChild> child_;
  int group_;
  std::unique_ptr<TerminalSignals> terminal_signals_;
  Ended ended_;
  AskedToEnd asked_to_end_;
  Terminal terminal_;
  std::vector<std::unique_ptr<SignalWatcher>> watchers_;
  // Blocked, as a log line would be written over and over while the terminal is not ours.
  BlockedSignalWatcher terminal_output_;
  std::size_t lasting_watchers_;  // the first of them, which stay
  std::uint64_t ignored_ = 0;     // those that we were started with ignored, see bit_of()
  std::uint64_t by_key_ = 0;      // those that the terminal has sent, likewise
  bool runs_ = false;
  // Whenever our group has the terminal, the child's gets it.
  bool wants_terminal_ = true;
  bool asked_to_stop_ = false;
};

}  // namespace culvert
