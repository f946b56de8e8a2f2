#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "net/listener.h"
#include "session/session.h"

namespace culvert {

/// What all workers share; immutable but for the count of connections.
struct Shared {
  Config config;
  AccessPolicy access;
  Router router;
  std::vector<std::shared_ptr<const TlsClientContext>> tls;  ///< for each upstream, or null
  std::string pseudonym;  ///< in Via; tells us from other culverts
  int access_fd = -1;
  std::atomic<std::size_t> connections{0};
};

/// One thread's share of the work: a loop, listeners of its own, and the sessions they bring.
class Worker {
 public:
  /// `index` of `count`.  `drained` is called in the worker's thread when it has begun to drain and
  /// the last session is gone.
  Worker(Shared& shared, std::size_t index, std::size_t count, std::vector<ListenSocket> sockets,
         std::function<void()> drained);
  ~Worker();

  Loop& loop() { return loop_; }
  Log& log() { return log_; }

  /// Stops accepting and lets what runs finish, for the drain timeout at most.  In the worker's
  /// thread, as the others below.
  void drain();
  /// Ends everything now.
  void abort_all();

 private:
  void on_accepted(int fd, const std::optional<HostPort>& peer);
  void on_starved(int error);
  void on_session_finished(Session& session);
  void on_turn_end();

  Shared& shared_;
  std::uint64_t next_id_;
  std::uint64_t id_step_;
  std::function<void()> drained_;
  Loop loop_;
  Log log_;
  std::unique_ptr<char[]> buffer_;
  PipePool pipes_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  SessionContext context_;
  std::vector<ListenSocket> sockets_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::unique_ptr<Session>> sessions_;
  std::vector<std::unique_ptr<Session>> finished_;  // destroyed when the turn is over
  Timer drain_timer_;
  Loop::Clock::time_point starved_told_;
  bool draining_ = false;
  bool drained_told_ = false;
};

}  // namespace culvert
