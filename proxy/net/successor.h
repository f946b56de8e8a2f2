#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/callback.h"
#include "base/result.h"
#include "net/launcher.h"
#include "net/loop.h"
#include "net/passed_sockets.h"
#include "net/predecessor.h"
#include "net/timer.h"

namespace culvert {

/// A new process that is to serve in our place: one that we start, or one that asked for it
/// (--take-over).  It gets our listening sockets, and reports when it is ready to accept from them;
/// it does so only once it is let go.  So it can be given up at any time before that without harm
/// to a client.
///
/// Both ends speak over two connected sockets: the successor writes its tunnel command and a NUL
/// when it is ready; we answer with a group's number to let it go, and if that is above 0, with the
/// descriptors of the command that it takes over (SCM_RIGHTS); see send_turn().  One that we did
/// not start cannot be killed when it is given up: it gets -1, and why.
class Successor final : private Pollable, private Launcher::Client {
 public:
  static constexpr std::chrono::milliseconds kTimeToStart{15'000};

  /// One that we start runs.  May destroy the Successor.
  using Started = Callback<void()>;
  /// `tunnel_command` is the successor's, a secret.
  using Ready = Callback<void(const std::string& tunnel_command)>;
  /// `why` is a clause ("has ended with status 2").  May destroy the Successor.
  using Failed = Callback<void(const std::string& why)>;

  /// Has `launcher`, which outlives it, start one with `sockets`.  `ready` or `failed` is called,
  /// once, and not from within this function.  The error's text is a clause.
  static Result<std::unique_ptr<Successor>> start(
      Loop& loop, Launcher& launcher, const std::vector<PassedSocket>& sockets, Started started,
      Ready ready, Failed failed, std::chrono::milliseconds time_to_start = kTimeToStart);
  /// The process at the other end of `control`, which has got our sockets.  `pid` 0: unknown.
  static std::unique_ptr<Successor> attend(Loop& loop, int control, int pid, Ready ready,
                                           Failed failed,
                                           std::chrono::milliseconds time_to_start = kTimeToStart);
  /// Gives it up if it was not let go: kills it, or says no.
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  /// 0: none yet, or no more.
  int pid() const { return pid_; }
  /// There is, or was, a process.
  bool started() const { return started_; }
  /// Ends the launcher, if one has started it: the successor is nobody's child then.  Once it is
  /// ready.
  void make_orphan();
  /// It serves from now on, and looks after `commands`.  Once it is ready.  False: it did not get
  /// them.
  bool let_go(const std::vector<PassedCommand>& commands);

 private:
  Successor(Loop& loop, Launcher* launcher, Ready ready, Failed failed,
            std::chrono::milliseconds time_to_start);
  void begin(int pid);
  void on_poll(std::uint32_t events) override;
  void on_started(const Result<int>& pid) override;
  void on_ended(const Launcher::End& end) override;
  void on_launcher_gone() override;
  void on_gone();
  void on_timeout();
  void close_control();
  void give_up(const std::string& why);
  std::string lateness() const;

  Loop& loop_;
  Launcher* launcher_;  // nullptr: it asked for it
  Started on_start_;
  Ready ready_;
  Failed failed_;
  std::chrono::milliseconds time_to_start_;
  Timer timer_;
  int control_ = -1;
  std::string received_;
  int pid_ = 0;
  bool started_ = false;
  bool timed_out_ = false;
  bool let_go_ = false;
};

}  // namespace culvert
