#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/spare_descriptor.h"
#include "policy/limits.h"
#include "policy/resumptions.h"
#include "server/entrance.h"
#include "server/generation.h"
#include "server/lane_watch.h"
#include "server/recent_failures.h"
#include "server/room_maker.h"
#include "server/session_walk.h"
#include "server/stall_reporter.h"
#include "server/stats.h"
#include "server/tunnel_set.h"
#include "server/worker_facts.h"
#include "session/session.h"
#include "session/trace_board.h"
#include "session/tracer.h"

namespace culvert {

/// How a worker stops.
enum class Drain : std::uint8_t {
  last,     ///< nobody serves after us: clients that are in the queue get a 503
  restart,  ///< a socket outlives us: its queue is the next process's, who was accepted is served
  handed_over  ///< another process serves already: whatever runs may take its time
};

class Worker;

/// What all workers share for the life of the process.
struct Shared {
  explicit Shared(std::string name = {}, AccessOutput access_log = {})
      : pseudonym(std::move(name)), access(std::move(access_log)) {}

  std::string pseudonym;  ///< in Via; distinguishes this process from other culverts
  AccessOutput access;
  std::atomic<bool> access_loss_told{false};  ///< see Log
  std::atomic<std::size_t> connections{0};
  Resumptions resumptions;
  Limits limits;
  TraceBoard traces;
  std::vector<Worker*> workers;  ///< all, before the first of their threads begins
  /// One of them waits for a descriptor to accept a connection with.
  std::atomic<bool> starved{false};
  DescriptorPressure pressure;
  SpareDescriptor spare;
};

/// One thread's share of the work: a loop, its entrances, and the sessions that they accept.
class Worker {
 public:
  /// `index` of `count`; `sockets` are this worker's own.  `drained` is called in the worker's
  /// thread when it has begun to drain and the last session is gone.
  Worker(Shared& shared, const std::shared_ptr<const Ruleset>& ruleset, std::size_t index,
         std::size_t count, std::vector<ListenSocket> sockets, std::function<void()> drained);
  ~Worker();

  Loop& loop() { return loop_; }
  Log& log() { return log_; }
  /// In the worker's thread, or when that has ended.
  const Stats& stats() const { return stats_; }
  /// How many run, in the worker's thread.
  std::size_t tunnels() const;
  using TakeFacts = std::function<void(WorkerFacts facts, std::vector<SessionFacts> sessions)>;
  /// Calls `take` with what it has counted so far and how it is now; with `wants_sessions` also
  /// with the facts of each session that has a request, in no order.  In this turn or a later one,
  /// as it looks at each session, and in its thread.  Never, if others were asked for before it
  /// could begin.
  [[gnu::cold]] void gather(bool wants_sessions, TakeFacts take);
  using TakeTunnels = std::function<void(TunnelSet used)>;
  /// Calls `take` with those of --tunnels that its sessions go through, or still may.  As gather().
  [[gnu::cold]] void find_tunnels(TakeTunnels take);
  /// For whoever notices something about its sessions, in its thread.
  SessionCounters& counters() { return counters_; }
  /// In the worker's thread.
  const RecentFailures& failures() const { return failures_; }
  /// Those that have stalled, see `--stall-after`.  In the worker's thread.
  const StallReporter& stalls() const { return stalls_; }
  /// See Session::end_by_admin().  False: there is no such session, or it has no request.  In the
  /// worker's thread.
  [[gnu::cold]] bool end_session(std::uint64_t id);
  /// See Session::follow_trace(), and end_session().
  [[gnu::cold]] bool trace_session(std::uint64_t id, std::shared_ptr<TraceOrder> order);

  /// Adds an entrance for a socket of Config::listen[`listener`], which is not open yet and lives
  /// as long as the worker.  To be called before the loop runs.
  Entrance& add_entrance(std::size_t listener);

  /// The predecessor has let us go: what it handed over is ours.
  void take_over();

  /// Whatever begins now is served under `ruleset`, also on connections that wait for a request;
  /// requests that have begun keep theirs.  In the worker's thread, as the others below.
  void adopt(const std::shared_ptr<const Ruleset>& ruleset);
  /// Stops accepting and lets sessions finish, for the drain timeout at most; without that limit if
  /// it is handed over, until another call sets it.
  void drain(Drain how = Drain::last);
  /// No client is left: see Session::end_without_client().
  void end_without_clients();
  /// Ends everything now, without waiting for the drain timeout.
  void abort_all();

  // For its entrances, in its thread.

  Shared& shared() { return shared_; }
  /// For sessions that begin now.
  SessionContext& context() { return current().context(); }
  bool draining() const { return draining_; }
  void begin_session(std::unique_ptr<Stream> client, std::unique_ptr<ClientProtocol> protocol,
                     const std::optional<HostPort>& peer, Admission admission,
                     std::unique_ptr<ClientLimits> limits, std::chrono::milliseconds queued_for);
  /// For one more connection of a client, of which `most` are served (0: any number).
  std::unique_ptr<ClientLimits> limits_for(const std::optional<IpAddress>& client,
                                           std::size_t most);
  /// See Listener::NextAccept.
  void next_accept(std::chrono::milliseconds& wait);
  /// There is no descriptor to serve a connection with that was accepted.
  [[gnu::cold]] void on_refusing();
  /// See Listener::AskHopeless.
  [[gnu::cold]] void ask_hopeless(bool& hopeless);
  /// Accepting a connection failed with this errno.
  void on_starved(int error);

 private:
  class Gathering;
  class TunnelFinder;

  Session* find_session(std::uint64_t id) const;
  void renew_sessions();
  void on_request_finished(const SessionRecord& record);
  WorkerFacts own_facts();
  Generation& current() { return *generations_.back(); }
  void stop_accepting(Drain how);
  void limit_sessions();
  void begin_generation(const std::shared_ptr<const Ruleset>& ruleset);
  [[gnu::cold]] Loop::Room make_room();
  void make_room_for_others();
  void on_waiting_closed();
  void ask_others_for_room();
  [[gnu::cold, gnu::noinline]] void relieve();
  void resume_accepting();
  void on_session_finished(Session& session);
  void on_turn_end();
  [[gnu::noinline]] void destroy_finished();
  [[gnu::noinline]] void drop_generations();
  [[gnu::noinline]] void flush_log();
  [[gnu::noinline]] void report_drained();
  void on_drain_timeout();
  void abort_sessions(std::string_view why);
  void trim_memory();

  Shared& shared_;
  std::uint64_t next_id_;
  std::uint64_t id_step_;
  bool tends_upstreams_;  // the first worker does, for all
  std::function<void()> drained_;
  Loop loop_;
  Log log_;
  std::size_t index_;
  Stats stats_;
  SessionCounters counters_;
  UpstreamCounterTable upstream_counters_;
  std::uint64_t accepted_ = 0;         // connections
  std::uint64_t accept_failures_ = 0;  // calls
  ByteCounts told_;                    // by gather()
  RecentFailures failures_;
  Tracer tracer_;
  std::unique_ptr<char[]> buffer_;
  PipePool pipes_;
  std::vector<std::unique_ptr<Generation>> generations_;  // the last one takes new sessions
  Loop::Clock::time_point room_asked_;                    // of the other workers
  std::atomic<bool> starved_{false};                      // it waits for a descriptor
  SessionContext* newest_ = nullptr;                      // of that one
  std::vector<std::unique_ptr<Entrance>> entrances_;
  LimitedSessions limited_;
  std::vector<std::unique_ptr<Session>> sessions_;
  SessionWalk walk_;
  StallReporter stalls_;
  LaneWatch lanes_;
  std::vector<std::unique_ptr<Session>> finished_;  // destroyed when the turn is over
  Timer drain_timer_;
  Timer log_timer_;  // while a slow reader of the log is waited for
  RoomMaker room_maker_;
  Timer room_timer_;          // while another worker waits for what this one will be able to spare
  std::size_t peak_ = 0;      // sessions at a time, since memory was given back
  bool after_burst_ = false;  // memory was given back, and more will be
  bool draining_ = false;
  bool cutting_ = false;  // the drain timeout is over
  bool drain_limited_ = false;
  bool drained_reported_ = false;
};

}  // namespace culvert
