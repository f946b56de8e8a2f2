#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/result.h"
#include "net/loop.h"

namespace culvert {

/// A child process that runs a shell command, in a session (and so in a process group) of its own.
/// Its output is reported line by line.  It does not outlive us, however we end: it is killed with
/// this object, and if the whole process is killed it gets a signal to end.
class ChildProcess {
 public:
  /// A running child as another process takes it over.
  struct Handle {
    int group = 0;
    int pid_fd = -1;    ///< readable once it has exited (pidfd_open(2))
    int lifeline = -1;  ///< its end ends the child
    int output = -1;    ///< what it writes
  };

  /// Something it wrote to standard error or output, without the line's end.
  using Line = Callback<void(std::string_view)>;
  /// It has exited with this status (-1: unknown, as it was taken over), or was ended by this
  /// signal (0: none).  Called once, after the last line, and not after the object's destruction;
  /// may destroy the object.
  using Exited = Callback<void(int status, int signal)>;

  /// Runs `command` with /bin/sh.  The error's text is a clause.
  static Result<std::unique_ptr<ChildProcess>> start(Loop& loop, const std::string& command,
                                                     Line line, Exited exited);
  /// Looks after a child that another process has released.  The descriptors become ours.
  static std::unique_ptr<ChildProcess> take_over(Loop& loop, const Handle& handle, Line line,
                                                 Exited exited);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// SIGTERM for it and its children.
  void terminate();
  /// SIGKILL for it and its children.
  void kill();

  /// For the process that takes it over.  Its descriptors are ours, but for `pid_fd`, which the
  /// caller closes; nullopt if the system is too old for that.
  std::optional<Handle> handle() const;
  /// Somebody else looks after it: it outlives us.
  void release() { group_ = 0; }

  /// Its process group.
  int group() const { return group_; }

 private:
  struct Process;  // libuv closes these a turn after us
  struct Output;
  struct Lifeline;
  class ExitWatcher;

  ChildProcess(Loop& loop, Line line, Exited exited);
  void start_reading();
  void on_output(std::string_view bytes);
  void on_exit(int status, int signal);
  void read_rest();
  void signal_group(int signal);

  Loop& loop_;
  Line line_;
  Exited exited_;
  Process* process_ = nullptr;                 // of one that we have started
  std::unique_ptr<ExitWatcher> exit_watcher_;  // of one that we have taken over
  Output* output_;
  Lifeline* lifeline_;
  int group_ = 0;  // 0: it is gone
  std::string unfinished_;
};

}  // namespace culvert
