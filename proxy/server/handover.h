#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/successor.h"
#include "net/take_over_requests.h"

namespace culvert {

/// Hands the listening sockets over to a new process.  SIGUSR2 starts one, the program as it is
/// found now, with the same arguments and environment; one that was started with --take-over asks
/// for them.  If it cannot serve, nothing changes, and the log says why.
class Handover {
 public:
  /// `ready` is called when the new process can serve, with its tunnel command; let_go() has to
  /// follow.
  /// `launcher` is null if none is to be had; `manager_is_told`: see objection_to_handover().
  Handover(Loop& loop, Log& log, Launcher* launcher, bool manager_is_told, Successor::Ready ready);
  /// Ends the launcher.
  ~Handover();
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  /// Starts the new process, if there is none and if it could live longer than this one.
  void begin(const std::vector<PassedSocket>& sockets);
  /// The process that is ready is nobody's child from now on.  Returns its pid.
  int make_orphan();
  /// Gives a process that asks what it wants of `sockets`, or tells it why not.
  void answer(const TakeOverRequest& request, const std::vector<PassedSocket>& sockets);
  /// See Successor.
  bool let_go(const std::vector<PassedCommand>& commands);
  /// Gives up a new process that does not serve yet.
  void cancel();
  bool done() const { return done_; }

 private:
  void on_launcher_gone();
  void on_started();
  void on_failed(const std::string& why);
  void complain(const std::string& why);
  std::string objection_to(const TakeOverRequest& request) const;
  std::string name_of_successor() const;

  Loop& loop_;
  Log& log_;
  Launcher* launcher_;
  bool manager_is_told_;
  Successor::Ready ready_;
  std::unique_ptr<Successor> successor_;
  bool asked_ = false;  // the successor did
  bool done_ = false;
};

/// Where a process stands among the others.
struct ProcessPlace {
  int pid = 0;
  int parent = 0;    ///< 0: outside of our process namespace
  int group = 0;     ///< its process group
  std::string init;  ///< what process 1 is called

  static ProcessPlace ours();
};

/// Why this process cannot be followed by another one, a clause; empty if it can.
/// `systemd_exec_pid` is the variable SYSTEMD_EXEC_PID (systemd.exec(5)), nullptr if not set;
/// `manager_is_told`: the service manager hears from us which process is the main one.
std::string objection_to_handover(const ProcessPlace& place, const char* systemd_exec_pid,
                                  bool manager_is_told);

}  // namespace culvert
