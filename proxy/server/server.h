#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "net/predecessor.h"
#include "net/signals.h"
#include "net/take_over_place.h"
#include "net/take_over_requests.h"
#include "net/thread.h"
#include "server/handover.h"
#include "server/listeners.h"
#include "server/service_reporter.h"
#include "server/tunnel_commands.h"
#include "server/tunnel_ports.h"
#include "server/tunnel_use.h"
#include "server/worker.h"

namespace culvert {

/// What another thread is to know of a Server.  Called in the first worker's thread.
class ServerWatcher {
 public:
  virtual void on_adopted(const std::shared_ptr<const Ruleset>& ruleset) = 0;
  /// Nothing new is served; if it is `handed_over`, another process does, and has the sockets.
  virtual void on_draining(bool handed_over) = 0;

 protected:
  ~ServerWatcher() = default;
};

/// The listeners and workers, from bind to the last byte.
class Server {
 public:
  /// Reads the configuration anew for a SIGHUP.  nullptr if it is not usable; then each problem is
  /// a line of the argument.
  using Reload = std::function<std::unique_ptr<Ruleset>(std::vector<std::string>& problems)>;

  /// What stands beside the server, for `culvert serve`.
  struct Around {
    Launcher* launcher = nullptr;           ///< nullptr: no other process can follow this one
    const ServiceNotice* notice = nullptr;  ///< nullptr: nobody is told
  };

  /// Binds every listener that `listeners` has not got yet.  nullptr if one of them cannot be: then
  /// nothing stays bound, and each that cannot is a line of `problems`.  `around` outlives it.
  static std::unique_ptr<Server> start(std::unique_ptr<Ruleset> ruleset,
                                       std::unique_ptr<Shared> shared, Reload reload,
                                       Listeners listeners, const Around& around,
                                       std::vector<std::string>& problems);
  ~Server();

  /// Where the next process can ask for the sockets once this one runs (--take-over).
  void set_take_over_place(std::unique_ptr<TakeOverPlace> place) { place_ = std::move(place); }

  /// Serves in this thread and its workers' until end() has ended it.  Signals that were held since
  /// the start are let go: whoever wants them watches them.  If `predecessor` hands over to us,
  /// nothing is accepted before that may be.  `begun` is called once all threads are there.  Empty
  /// once it has served; else nothing was accepted, and this says why: there can be no threads, or
  /// the predecessor goes on serving in our place.
  std::string run(Predecessor& predecessor, const std::function<void()>& begun);

  // While it runs, in its thread.

  /// The first call drains, a second one ends at once.
  void end();
  /// While it drains: no client is left, so that nothing is worth waiting for that a dead tunnel
  /// does not send.  To be called again until it has ended.
  void end_without_clients();
  /// Reads the configuration anew.
  void reload();
  /// Hands over to a new process.
  void hand_over();

  Loop& loop() { return workers_[0]->loop(); }
  /// As the first worker uses them, in the order of Config::upstreams.
  const std::vector<std::unique_ptr<Upstream>>& upstreams() {
    return workers_[0]->context().upstreams;
  }

  const Listeners& listeners() const { return listeners_; }
  /// Of new sessions; in its thread.
  const Ruleset& ruleset() const { return *ruleset_; }
  Log& log() { return workers_[0]->log(); }

  const std::shared_ptr<const Ruleset>& shared_ruleset() const { return ruleset_; }
  bool draining() const { return draining_ || (handover_ && handover_->done()); }
  std::size_t connections() const { return shared_->connections.load(); }
  /// `watcher` outlives it.
  void set_watcher(ServerWatcher& watcher) { watcher_ = &watcher; }
  /// Their loops turn until run() returns.
  const std::vector<std::unique_ptr<Worker>>& workers() const { return workers_; }
  /// The one that has, or had, or will have the session `id`; nullptr: there is no such id.
  Worker* worker_of(std::uint64_t id) const {
    // See Worker: ids count in steps of the workers' number.
    return id == 0 ? nullptr : workers_[(id - 1) % workers_.size()].get();
  }
  /// From any thread.
  TraceBoard& traces() { return shared_->traces; }
  /// Of `--admin`.
  std::vector<ListenSocket> take_of_admin() { return listeners_.take_of_admin(); }

  /// Names that were looked up on this machine, by all workers.
  std::uint64_t target_lookups() const;
  std::uint64_t upstream_lookups() const;
  /// Lost and not reported yet, once run() has returned.
  std::uint64_t lost_access_lines() const;
  /// Of all workers, once run() has returned.
  Stats stats() const;

  /// Something hangs that cannot be waited for (a name lookup in another thread).
  bool busy() const;

 private:
  enum class Threads : std::uint8_t { wait, run, end };

  Server(std::unique_ptr<Shared> shared, Reload reload, Listeners listeners, const Around& around)
      : shared_(std::move(shared)),
        reload_(std::move(reload)),
        listeners_(std::move(listeners)),
        around_(around) {}

  void make_workers();
  void order_trace();
  void open_for_all(ListenSocket socket);
  std::string start_threads(Predecessor& predecessor);
  void tell_threads(Threads what);
  void begin_reports();
  std::string status_text(std::size_t tunnels) const;
  std::unique_ptr<Ruleset> read_again();
  void adopt(std::unique_ptr<Ruleset> fresh);
  void open_take_over();
  void close_take_over();
  void on_take_over_asked(const TakeOverRequest& request);
  void on_successor_ready(const std::string& tunnel_command);
  void drain(Drain how);
  void on_worker_drained();
  void choose_ports(Config& config, std::vector<std::string>& problems);
  void take_over_ports();
  void begin_tunnels();
  void find_unknown_ports(const Config& config, std::vector<std::string>& problems) const;
  void on_tunnels_used(TunnelSet used);
  void on_tunnels_stopped() { workers_[0]->loop().stop(); }
  void each_worker(const std::function<void(Worker&)>& task);

  // Clients may connect as soon as there is a listener, and a signal may arrive.
  std::optional<HeldSignals> held_signals_{std::in_place};
  std::unique_ptr<Shared> shared_;
  Reload reload_;
  Listeners listeners_;
  Around around_;
  std::shared_ptr<const Ruleset> ruleset_;  // of new sessions
  std::vector<std::unique_ptr<Worker>> workers_;
  std::atomic<Threads> threads_may_ = Threads::wait;
  std::vector<Thread> threads_;
  std::shared_ptr<TraceOrder> trace_;  // of --trace-target
  TunnelPorts tunnel_ports_;
  std::unique_ptr<TunnelCommands> tunnels_;    // nullptr: there is no command
  std::optional<TunnelUse> tunnel_use_;        // the same
  std::vector<PassedCommand> passed_tunnels_;  // our predecessor's
  std::optional<Handover> handover_;           // while run() runs
  std::optional<ServiceReporter> reporter_;    // the same; only if it is wanted
  std::unique_ptr<TakeOverPlace> place_;       // until we have handed over, or drain
  std::unique_ptr<TakeOverRequests> take_overs_;
  ServerWatcher* watcher_ = nullptr;  // nullptr: none
  std::size_t running_ = 0;
  bool draining_ = false;
};

}  // namespace culvert
