#pragma once

#include <cstdint>
#include <memory>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// Tells which signals the terminal sends to a process group that is not ours: those of its keys
/// (Ctrl-C, Ctrl-\), of its size and of its end, and not those that a process sends.  Only members
/// of the group get them, so that one is forked for this: it does nothing else, holds no descriptor
/// of ours, and ends with this object, or with this process, however that ends.
class TerminalSignals : private Pollable {
 public:
  using Received = Callback<void(int signal)>;

  /// To be called before there is another thread, while `group` has a member.  nullptr: this
  /// process has no terminal, or no process can be had.
  static std::unique_ptr<TerminalSignals> fork(int group);
  ~TerminalSignals() override;
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;

  /// Calls back from now on; the loop outlives this object.
  void start(Loop& loop, Received received);
  /// Calls back for all that was sent before this call, and never again.
  void finish();

  /// The member's process, which is a child of ours that nobody else may wait for.
  int pid() const { return pid_; }

 private:
  TerminalSignals(int pid, int reports) : pid_(pid), reports_(reports) {}
  void on_poll(std::uint32_t events) override;
  bool read_reports();
  void end_member();

  int pid_;
  int reports_;  // a byte for each signal; -1: the member is gone
  Loop* loop_ = nullptr;
  Received received_;
};

}  // namespace culvert
