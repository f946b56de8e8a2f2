#pragma once

#include "net/signals.h"
#include "server/server.h"

namespace culvert {

/// What signals mean to `culvert serve`: SIGTERM and SIGINT end the server, SIGHUP has it read its
/// configuration anew, SIGUSR2 hands over to a new process.
class ServeSignals {
 public:
  /// `server` outlives it, and does not run yet.
  explicit ServeSignals(Server& server);

 private:
  void on_end(int) { server_.end(); }
  void on_reload(int) { server_.reload(); }
  void on_hand_over(int) { server_.hand_over(); }

  Server& server_;
  SignalWatcher terminate_;
  SignalWatcher interrupt_;
  SignalWatcher hang_up_;
  SignalWatcher upgrade_;
};

}  // namespace culvert
