#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/secret.h"
#include "net/process.h"
#include "net/timer.h"

namespace culvert {

/// Keeps the command that makes the tunnel (`ssh -N -D ...`) running: starts it, again whenever it
/// ends (later and later if it ends soon), and ends it with us.  Its output is logged, up to a
/// hundred lines a second; where the log has not that level, its last lines when it fails.
class TunnelCommand {
 public:
  /// `port` takes the place of each "{port}" in `command`; 0: there is none.  The command may hold
  /// secrets: only its first word is ever shown.
  TunnelCommand(Loop& loop, Log& log, const Secret& command, std::uint16_t port = 0);

  /// What the log calls it; "tunnel" at first.
  void set_label(std::string label) { label_ = std::move(label); }

  void start();
  /// Instead of start(): looks after one that another process has released.
  void take_over(const ChildProcess::Handle& running);
  bool running() const { return child_ != nullptr; }
  /// See ChildProcess::handle(); nullopt also if it does not run now.
  std::optional<ChildProcess::Handle> handle() const;
  /// Another process looks after it from now on.
  void release();
  /// It is not started again, until start() or stay(); `ended` is called once it has ended, perhaps
  /// within this call.
  void let_end(Callback<void()> ended);
  void stay() { stopped_ = {}; }
  /// Ends it, by force after a while.  `stopped` is called once, perhaps within this call.
  void stop(Callback<void()> stopped);
  /// By force and now.
  void kill();

  /// The command's first word, without its folder.
  static std::string shown_name(std::string_view command);

 private:
  void on_line(std::string_view line);
  void on_exit(int status, int signal);
  void on_timer();
  void repeat_last_words();
  void report_suppressed();
  void start_later(const std::string& what_happened);

  Loop& loop_;
  Log& log_;
  Secret command_;
  std::uint16_t port_;
  std::string name_;
  std::string label_ = "tunnel";
  Timer timer_;
  std::unique_ptr<ChildProcess> child_;
  Loop::Clock::time_point started_;
  std::chrono::milliseconds wait_{0};  // before the last start
  Loop::Clock::time_point second_;     // in which lines are counted
  unsigned lines_ = 0;
  std::uint64_t suppressed_ = 0;
  std::vector<std::string> last_words_;
  Callback<void()> stopped_;
};

}  // namespace culvert
