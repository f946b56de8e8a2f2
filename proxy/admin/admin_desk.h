#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/admin_connection.h"
#include "admin/admin_route.h"
#include "admin/history.h"
#include "admin/rates.h"
#include "admin/status_json.h"
#include "admin/surveyor.h"
#include "admin/trace_streams.h"
#include "net/listener.h"
#include "net/timer.h"
#include "server/process_facts.h"
#include "server/server.h"
#include "server/upstream_facts.h"

namespace culvert {

/// The admin interface in its thread: its listeners, its connections, and what it answers.
class AdminDesk final : private AdminConnection::Owner {
 public:
  static constexpr std::size_t kMostConnections = 64;
  static constexpr std::size_t kMostStreams = 24;  ///< of events, among them
  static constexpr std::chrono::milliseconds kEventsApart{1'000};
  /// For so long after the last request a history is kept where there is no `--admin`.
  static constexpr std::chrono::minutes kRemembers{10};

  /// `server` outlives it.  `started`: when the server was.
  AdminDesk(Loop& loop, Server& server, Loop::Clock::time_point started);
  ~AdminDesk();
  AdminDesk(const AdminDesk&) = delete;
  AdminDesk& operator=(const AdminDesk&) = delete;

  // All in the thread of `loop`, but before that turns.

  /// Accepts from `socket`, whose index is a place in Config::admin; nullopt: the runtime socket.
  void open(ListenSocket socket, std::optional<std::size_t> door);
  void begin(std::shared_ptr<const Ruleset> ruleset);
  /// Connections end with the answer that they wait for, streams at once.
  void adopt(std::shared_ptr<const Ruleset> ruleset);
  /// Another process has the sockets of --admin.
  void hand_over();
  /// Says good-bye to those who listen to events, and closes everything.
  void end();

 private:
  class Door;

  void on_request(AdminConnection& connection, const AdminRequest& request) override;
  void on_closed(AdminConnection& connection) override;
  void accept(int fd, const std::optional<HostPort>& peer, const AdminDoor& door);
  bool make_room();

  void answer_now(AdminConnection& connection, const AdminRoute& route,
                  const AdminRequest& request);
  void act(AdminConnection& connection, const AdminRoute& route);
  void end_tunnel(AdminConnection& connection, const std::string& id);
  void mark_upstream(AdminConnection& connection, const std::string& name, bool down);
  void ask(AdminConnection& connection, const AdminRoute& route, const AdminRequest& request);
  AdminAnswer answer(const AdminRoute& route, const AdminRequest& request, bool may_act,
                     bool anonymous, const Survey& survey);
  AdminAnswer metrics(const AdminRequest& request, const Survey& survey) const;
  AdminAnswer pac(const AdminRequest& request, const Survey& survey) const;
  void look(const Survey& survey);
  StatusFacts status_facts(const Survey& survey, const std::vector<UpstreamFacts>& upstreams,
                           bool may_act) const;

  bool refuse_stream(AdminConnection& connection) const;
  bool listens(const AdminConnection& connection) const;
  void begin_trace(AdminConnection& connection, const AdminRequest& request);
  void begin_events(AdminConnection& connection);
  void on_tick();
  void send_events(const Survey& survey);
  std::string upstream_event(const Survey& survey, const std::vector<UpstreamFacts>& upstreams);
  std::string failure_events(const Survey& survey);
  std::string event(std::string_view name, const Json& data);

  Loop& loop_;
  Server& server_;
  Loop::Clock::time_point started_;
  std::shared_ptr<const Ruleset> ruleset_;
  Surveyor surveyor_;
  TraceStreams traces_;
  std::vector<std::unique_ptr<Door>> doors_;
  std::vector<std::shared_ptr<AdminConnection>> connections_;
  ProcessMeter process_;
  SessionRates rates_;
  RateMeter total_;
  History history_;
  Timer tick_;  // while somebody listens to events, or a history is kept
  Loop::Clock::time_point asked_;
  Loop::Clock::time_point sampled_;
  std::uint64_t event_id_ = 0;
  std::string upstreams_told_;
  std::vector<std::uint64_t> failures_told_;  // of each worker; empty: nobody has listened yet
  bool ended_ = false;
};

}  // namespace culvert
