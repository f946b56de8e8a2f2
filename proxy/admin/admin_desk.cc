#include "admin/admin_desk.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "admin/metrics_text.h"
#include "admin/page_text.h"
#include "admin/proxy_pac.h"
#include "admin/readiness.h"
#include "base/text.h"
#include "net/tcp_stream.h"
#include "net/unix_peer.h"

namespace culvert {

using Page = AdminRoute::Page;

namespace {

constexpr std::size_t kMostFailures = 100;

constexpr std::string_view kNoActions =
    "this takes an --admin with --allow-client, --auth-file or client-ca=, a unix socket, or "
    "--admin-actions";

/// To an action: done, or that there is nothing of that name.
std::function<void(bool)> answer_of(AdminConnection& connection, std::string_view not_there) {
  return [weak = connection.weak_from_this(), not_there](bool done) {
    const auto there = weak.lock();
    if (!there) return;
    if (done) return there->answer({.status = 204});
    there->answer(admin_error(404, not_there, true));
  };
}

}  // namespace

/// One listening socket.
class AdminDesk::Door {
 public:
  Door(AdminDesk& desk, ListenSocket socket, std::optional<std::size_t> index)
      : desk_(desk), socket_(std::move(socket)), index_(index) {
    listener_.emplace(desk.loop_, socket_, Listener::Accepted::to<&Door::on_accepted>(this),
                      Listener::Starved::to<&Door::on_starved>(this));
  }
  bool is_runtime() const { return !index_; }
  /// Its file is the next process's.
  void hand_over() {
    socket_.leave_file();
    socket_.set_outlives_us();
  }

 private:
  void on_accepted(int fd, const std::optional<HostPort>& peer) {
    const Ruleset& ruleset = *desk_.ruleset_;
    if (is_runtime()) {
      if (!trusted_peer(fd)) {
        ::close(fd);
        return;
      }
      return desk_.accept(fd, peer, {});
    }
    desk_.accept(fd, peer, {&ruleset.config.admin[*index_], ruleset.tls_admin[*index_].get()});
  }
  /// It is tried again by itself; the proxy's listeners say what is missing.
  void on_starved(int) {}

  AdminDesk& desk_;
  ListenSocket socket_;
  std::optional<std::size_t> index_;
  std::optional<Listener> listener_;
};

AdminDesk::AdminDesk(Loop& loop, Server& server, Loop::Clock::time_point started)
    : loop_(loop),
      server_(server),
      started_(started),
      surveyor_(loop, server),
      traces_(loop, server, surveyor_),
      tick_(loop, Callback<void()>::to<&AdminDesk::on_tick>(this)) {}

AdminDesk::~AdminDesk() = default;

void AdminDesk::open(ListenSocket socket, std::optional<std::size_t> door) {
  doors_.push_back(std::make_unique<Door>(*this, std::move(socket), door));
}

void AdminDesk::begin(std::shared_ptr<const Ruleset> ruleset) {
  ruleset_ = std::move(ruleset);
  if (!ruleset_->config.admin.empty()) tick_.start(History::kInterval);
}

/// Who may stay connects anew.  Who gets in at the runtime socket is not a matter of rules.
void AdminDesk::adopt(std::shared_ptr<const Ruleset> ruleset) {
  ruleset_ = std::move(ruleset);
  const auto all = connections_;
  for (const auto& connection : all) {
    if (!connection->is_at_runtime_socket()) connection->finish();
  }
}

void AdminDesk::hand_over() {
  for (const auto& door : doors_) {
    if (!door->is_runtime()) door->hand_over();
  }
  std::erase_if(doors_, [](const auto& door) { return !door->is_runtime(); });
}

void AdminDesk::end() {
  ended_ = true;
  tick_.stop();
  doors_.clear();
  const std::string bye = event("bye", Json::object());
  const auto all = connections_;
  for (const auto& connection : all) {
    if (connection->is_stream()) connection->send(bye);
    connection->finish();
  }
  for (const auto& connection : all) connection->close();
}

void AdminDesk::accept(int fd, const std::optional<HostPort>& peer, const AdminDoor& door) {
  if (connections_.size() >= kMostConnections && !make_room()) {
    ::close(fd);
    return;
  }
  auto stream = std::make_unique<TcpStream>(loop_, fd, TcpStream::State::connected);
  if (stream->watch_error() != 0) return;
  AdminConnection::Owner& owner = *this;
  connections_.push_back(
      std::make_shared<AdminConnection>(loop_, owner, door, ruleset_, std::move(stream), peer));
  connections_.back()->start();
}

/// The one that awaits a request for longest gives way.
bool AdminDesk::make_room() {
  const auto idle = std::find_if(connections_.begin(), connections_.end(),
                                 [](const auto& one) { return one->is_idle(); });
  if (idle == connections_.end()) return false;
  (*idle)->close();
  return true;
}

/// It may be called from within it.
void AdminDesk::on_closed(AdminConnection& connection) {
  const auto found = std::find_if(connections_.begin(), connections_.end(),
                                  [&](const auto& one) { return one.get() == &connection; });
  if (found == connections_.end()) return;
  traces_.forget(connection);
  loop_.defer([gone = std::move(*found)] {});
  connections_.erase(found);
}

void AdminDesk::on_request(AdminConnection& connection, const AdminRequest& request) {
  const AdminRoute route = route_of(request);
  if (route.page == Page::unknown) {
    return connection.answer(admin_error(404, "there is nothing at this path", request.is_api()));
  }
  if (route.wrong_method) {
    AdminAnswer answer = admin_error(
        405, route.acts() ? "an action takes POST" : "this takes GET or HEAD", request.is_api());
    answer.fields = route.acts() ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n";
    return connection.answer(answer);
  }
  if (!tick_.running()) tick_.start(History::kInterval);
  asked_ = loop_.now();
  switch (route.page) {
    case Page::status_page:
      return connection.answer(
          {.type = kHtmlType,
           .body = std::string(status_page()),
           .fields = concat({"Content-Security-Policy: ", status_page_policy(), "\r\n"})});
    case Page::events:
      return begin_events(connection);
    case Page::trace:
      return begin_trace(connection, request);
    case Page::end_tunnel:
    case Page::mark_upstream:
      return act(connection, route);
    default:
      return ask(connection, route, request);
  }
}

void AdminDesk::act(AdminConnection& connection, const AdminRoute& route) {
  if (!connection.may_act()) return connection.answer(admin_error(403, kNoActions, true));
  if (route.page == Page::end_tunnel) return end_tunnel(connection, route.subject);
  mark_upstream(connection, route.subject, route.down);
}

void AdminDesk::end_tunnel(AdminConnection& connection, const std::string& id) {
  const auto number = parse_number<std::uint64_t>(id);
  Worker* const worker = number ? server_.worker_of(*number) : nullptr;
  if (worker == nullptr) return connection.answer(admin_error(404, kNoSession, true));
  surveyor_.run_in(
      worker->loop(), [worker, number = *number] { return worker->end_session(number); },
      answer_of(connection, kNoSession));
}

void AdminDesk::mark_upstream(AdminConnection& connection, const std::string& name, bool down) {
  Worker& worker = *server_.workers()[0];
  surveyor_.run_in(
      worker.loop(),
      [&worker, name, down] {
        for (const auto& upstream : worker.context().upstreams) {
          if (upstream->config.name != name) continue;
          upstream->mark_down(down, worker.log());
          return true;
        }
        return false;
      },
      answer_of(connection, "there is no upstream of that name"));
}

void AdminDesk::ask(AdminConnection& connection, const AdminRoute& route,
                    const AdminRequest& request) {
  surveyor_.ask(route.wants(), [this, route, request, may_act = connection.may_act(),
                                anonymous = connection.is_anonymous(),
                                weak = connection.weak_from_this()](const Survey& survey) {
    look(survey);
    if (const auto there = weak.lock()) {
      there->answer(answer(route, request, may_act, anonymous, survey));
    }
  });
}

/// What is known from now on.
void AdminDesk::look(const Survey& survey) {
  const WorkerFacts total = survey.total();
  total_.look(total.bytes.up, total.bytes.down, survey.taken);
  if (survey.taken - sampled_ >= History::kInterval - std::chrono::milliseconds(500)) {
    history_.look(total.bytes.up, total.bytes.down, survey.taken);
    sampled_ = survey.taken;
  }
}

StatusFacts AdminDesk::status_facts(const Survey& survey,
                                    const std::vector<UpstreamFacts>& upstreams,
                                    bool may_act) const {
  StatusFacts facts;
  facts.now = {std::chrono::system_clock::now(), survey.taken};
  facts.started = started_;
  facts.pid = getpid();
  facts.actions_allowed = may_act;
  facts.not_ready = not_ready_reason(survey, upstreams);
  facts.unhealthy = unhealthy_reason(survey);
  facts.rate = total_.rate().value_or(Rate{});
  facts.history = &history_;
  return facts;
}

AdminAnswer AdminDesk::answer(const AdminRoute& route, const AdminRequest& request, bool may_act,
                              bool anonymous, const Survey& survey) {
  if (!survey.ruleset) {
    return admin_error(503, "the first worker's loop has not turned yet", request.is_api());
  }
  const auto upstreams = [&] { return upstream_facts(*survey.ruleset, survey.taken); };
  const auto json = [](const Json& value) {
    return AdminAnswer{.type = kJsonType, .body = value.dump() + "\n"};
  };
  const auto probe = [&](const std::string& problem) {
    if (problem.empty()) return AdminAnswer{.type = kTextType, .body = "ok\n"};
    return admin_error(503, anonymous ? "no" : problem, false);
  };
  switch (route.page) {
    case Page::healthz:
      return probe(unhealthy_reason(survey));
    case Page::readyz:
      return probe(not_ready_reason(survey, upstreams()));
    case Page::proxy_pac:
      return pac(request, survey);
    case Page::metrics:
      return metrics(request, survey);
    case Page::status:
      return json(status_json(survey, status_facts(survey, upstreams(), may_act)));
    case Page::upstreams:
      return json(upstreams_json(upstreams(), survey.total()));
    case Page::tunnels: {
      rates_.look(survey.sessions, survey.taken);
      const auto query = TunnelQuery::parse(request.query);
      if (!query) return admin_error(400, query.error().text, true);
      return json(tunnels_json(*query, survey, rates_));
    }
    case Page::failures: {
      const auto limit =
          parse_number<std::size_t>(query_value(request.query, "limit").value_or("50"));
      if (!limit || *limit == 0 || *limit > kMostFailures) {
        return admin_error(400, "limit is a number from 1 to 100", true);
      }
      return json(failures_json(survey, *limit));
    }
    default:
      return admin_error(404, "there is nothing at this path", request.is_api());
  }
}

AdminAnswer AdminDesk::metrics(const AdminRequest& request, const Survey& survey) const {
  MetricsFacts facts;
  facts.version = CULVERT_VERSION;
  facts.upstreams = upstream_facts(*survey.ruleset, survey.taken);
  facts.ready = not_ready_reason(survey, facts.upstreams).empty();
  facts.draining = survey.draining;
  facts.workers = survey.workers;
  facts.process = process_.facts();
  const MetricsFormat format = metrics_format(request.accept);
  return {.type = content_type(format), .body = metrics_text(facts, format)};
}

AdminAnswer AdminDesk::pac(const AdminRequest& request, const Survey& survey) const {
  const std::string proxy = pac_proxy(survey.listeners, request.host);
  if (proxy.empty()) return admin_error(404, "no --listen is one that a browser can use", false);
  return {.type = kPacType, .body = proxy_pac(survey.ruleset->config, proxy)};
}

bool AdminDesk::refuse_stream(AdminConnection& connection) const {
  const auto streams = std::count_if(connections_.begin(), connections_.end(),
                                     [](const auto& one) { return one->is_stream(); });
  if (static_cast<std::size_t>(streams) < kMostStreams) return false;
  connection.answer(admin_error(
      503,
      concat({std::to_string(kMostStreams), " listen to events already, which is as many as may"}),
      true));
  return true;
}

/// To what happens to all.
bool AdminDesk::listens(const AdminConnection& connection) const {
  return connection.is_stream() && !traces_.has(connection);
}

/// It tells more of other clients than the tables do.
void AdminDesk::begin_trace(AdminConnection& connection, const AdminRequest& request) {
  if (!connection.may_act()) return connection.answer(admin_error(403, kNoActions, true));
  const auto query = TraceQuery::parse(request.query);
  if (!query) return connection.answer(admin_error(400, query.error().text, true));
  if (!refuse_stream(connection)) traces_.begin(connection, *query);
}

void AdminDesk::begin_events(AdminConnection& connection) {
  if (refuse_stream(connection)) return;
  const bool first = std::none_of(connections_.begin(), connections_.end(),
                                  [this](const auto& one) { return listens(*one); });
  connection.begin_stream(kEventType);
  connection.send("retry: 1000\n\n");
  upstreams_told_.clear();
  if (first || !tick_.running()) on_tick();
}

/// Each second while somebody listens; each interval of the history for a while after that.
void AdminDesk::on_tick() {
  const bool listened = std::any_of(connections_.begin(), connections_.end(),
                                    [this](const auto& one) { return listens(*one); });
  const bool kept =
      !ruleset_->config.admin.empty() || loop_.now() - asked_ < kRemembers || listened;
  if (!kept || ended_) return;
  tick_.start(listened ? kEventsApart : std::chrono::milliseconds(History::kInterval));
  surveyor_.ask({.failures = listened}, [this, listened](const Survey& survey) {
    look(survey);
    // One that was not asked for failures does not tell which are new.
    if (!listened) return failures_told_.clear();
    if (survey.ruleset) send_events(survey);
  });
}

std::string AdminDesk::event(std::string_view name, const Json& data) {
  std::string text = "id: ";
  append_number(text, ++event_id_);
  return text + concat({"\nevent: ", name, "\ndata: ", data.dump(), "\n\n"});
}

/// Empty if nothing has changed since they were told last.
std::string AdminDesk::upstream_event(const Survey& survey,
                                      const std::vector<UpstreamFacts>& upstreams) {
  const Json data = upstreams_json(upstreams, survey.total());
  std::string text = data.dump();
  if (text == upstreams_told_) return {};
  upstreams_told_ = std::move(text);
  return event("upstreams", data);
}

/// Those that have come since they were told last; who begins to listen can ask for what was
/// before.
std::string AdminDesk::failure_events(const Survey& survey) {
  const bool first = failures_told_.empty();
  failures_told_.resize(survey.workers.size());
  // The time of day, by which they stand in order, may step back.
  const std::vector<std::uint64_t> told = failures_told_;
  std::string text;
  for (const Survey::Failure& failure : survey.failures) {
    const std::uint64_t number = failure.request.number;
    if (number <= told[failure.worker]) continue;
    failures_told_[failure.worker] = std::max(failures_told_[failure.worker], number);
    if (!first) text += event("failure", failure_json(failure.request));
  }
  return text;
}

void AdminDesk::send_events(const Survey& survey) {
  std::vector<std::shared_ptr<AdminConnection>> streams;
  for (const auto& connection : connections_) {
    if (listens(*connection)) streams.push_back(connection);
  }
  if (streams.empty()) return failures_told_.clear();
  const auto upstreams = upstream_facts(*survey.ruleset, survey.taken);
  std::array<std::string, 2> status;  // without and with actions
  for (const auto& stream : streams) {
    std::string& text = status[stream->may_act() ? 1 : 0];
    if (!text.empty()) continue;
    StatusFacts facts = status_facts(survey, upstreams, stream->may_act());
    facts.history = nullptr;
    text = event("status", status_json(survey, facts));
  }
  const std::string others = upstream_event(survey, upstreams) + failure_events(survey);
  for (const auto& stream : streams) stream->send(status[stream->may_act() ? 1 : 0] + others);
}

}  // namespace culvert
