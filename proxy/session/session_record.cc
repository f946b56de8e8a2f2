#include "session/session_record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace culvert {
namespace {

/// A warning: what `culvert status` shows as a failure, unless the client gave up.
JournalPriority priority_of(const Outcome& outcome) {
  using Kind = Outcome::Kind;
  if (outcome.kind == Kind::ok) return JournalPriority::info;
  const bool failed = outcome.kind == Kind::error && outcome.error != Errc::canceled;
  return failed || outcome.kind == Kind::stalled ? JournalPriority::warning
                                                 : JournalPriority::notice;
}

std::string_view or_dash(std::string_view text) { return text.empty() ? "-" : text; }

}  // namespace

std::string_view name_of(SessionStage stage) {
  static constexpr std::array<std::string_view, 6> kNames = {"head",        "route",  "dial",
                                                             "established", "tunnel", "exchange"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string_view Outcome::name() const {
  switch (kind) {
    case Kind::none:
      return {};
    case Kind::ok:
      return "ok";
    case Kind::aborted:
      return "aborted";
    case Kind::idle_timeout:
      return "idle_timeout";
    case Kind::half_open_timeout:
      return "half_open_timeout";
    case Kind::stalled:
      return "stalled";
    case Kind::lifetime_over:
      return "lifetime_over";
    case Kind::error:
      return meaning_of(error).name;
  }
  return {};
}

void SessionRecord::begin(std::uint64_t session_id, const std::optional<HostPort>& peer,
                          Loop::Clock::time_point now) {
  id = session_id;
  started = now;
  if (peer) {
    client_ip = peer->ip;
    client_port = peer->port;
  }
}

SessionRecord::Notes& SessionRecord::noted() {
  if (!notes) notes = std::make_unique<Notes>();
  return *notes;
}

void SessionRecord::set_method(std::string_view name) {
  // Of a tunnel: no note is needed for these.
  static constexpr std::array<std::string_view, 3> kKnown = {"CONNECT", "SOCKS5", "SOCKS4"};
  const auto* const known = std::find(kKnown.begin(), kKnown.end(), name);
  method = known != kKnown.end() ? *known : std::string_view(noted().method = name);
}

void SessionRecord::set_url(std::string_view url) {
  const std::size_t query = url.find('?');
  target = url.substr(0, query);
  if (query != std::string_view::npos) target += "?...";
}

void SessionRecord::set_failures(std::string failures) {
  if (!failures.empty()) noted().failures = std::move(failures);
}

void SessionRecord::set_balanced(const std::optional<SocketEnd>& client) {
  if (!client) return;
  noted().balancer = client_text();
  client_ip = client->ip;
  client_port = client->port;
}

void SessionRecord::set_user(std::string_view name) {
  if (name != user()) noted().user = name;
}

void SessionRecord::finish(Outcome end, Side closing, std::string_view detail) {
  outcome = end;
  closed_by = closing;
  if (!detail.empty()) noted().detail = detail;
}

void SessionRecord::next_request() {
  method = {};
  target.clear();
  upstream = nullptr;
  chosen_by = ChosenBy::order;
  bytes_up = bytes_down = 0;
  status = 0;
  connect_ms = first_byte_ms = -1;
  stage = SessionStage::head;
  outcome = Outcome::Kind::none;
  if (!notes) return;
  notes->failures.clear();
  notes->detail.clear();
  notes->more.clear();
}

std::string SessionRecord::client_text() const {
  if (!client_ip) return notes && notes->peer ? notes->peer->to_string() : "unix";
  return HostPort{client_ip->to_string(), client_port, client_ip}.to_string();
}

void write_access_line(Log& log, SessionRecord& record, Loop::Clock::time_point now) {
  using std::chrono::milliseconds;
  const std::string client = record.notes ? std::string() : record.client_text();
  if (record.notes && record.notes->client.empty()) record.notes->client = record.client_text();
  Log::AccessLine line(log);
  line.set_priority(priority_of(record.outcome));
  line.add(AccessField::id, record.id);
  line.add(AccessField::client, record.notes ? record.notes->client : client);
  if (record.notes && record.notes->peer && !record.client_ip) {
    line.add_apart(AccessField::uid, std::int64_t{record.notes->peer->uid});
    line.add_apart(AccessField::pid, std::int64_t{record.notes->peer->pid});
  }
  if (record.notes && !record.notes->balancer.empty()) {
    line.add(AccessField::balancer, record.notes->balancer);
  }
  if (const std::string_view user = record.user(); !user.empty()) line.add(AccessField::user, user);
  line.add(AccessField::method, or_dash(record.method));
  line.add(AccessField::target, or_dash(record.target));
  line.add(AccessField::upstream,
           record.upstream ? std::string_view(record.upstream->config.label) : "-");
  if (record.chosen_by != ChosenBy::order) {
    line.add(AccessField::balance, name_of(record.chosen_by));
  }
  line.add(AccessField::outcome, record.outcome.name());
  line.add(AccessField::stage, name_of(record.stage));
  line.add(AccessField::status, std::int64_t{record.status});
  line.add(AccessField::bytes_up, record.bytes_up);
  line.add(AccessField::bytes_down, record.bytes_down);
  if (record.connect_ms >= 0) line.add(AccessField::connect_ms, std::int64_t{record.connect_ms});
  if (record.first_byte_ms >= 0)
    line.add(AccessField::first_byte_ms, std::int64_t{record.first_byte_ms});
  line.add(AccessField::total_ms,
           std::int64_t{std::chrono::round<milliseconds>(now - record.started).count()});
  line.add(AccessField::closed_by, record.closed_by_name());
  if (!record.notes) return;
  const std::string& failures = record.notes->failures;
  const std::string& detail = record.notes->detail;
  if (detail.empty() && failures.empty()) return;
  if (failures.empty()) return line.add(AccessField::detail, detail);
  line.add(AccessField::detail,
           detail.empty() ? failures : fmt::format("{}; {}", detail, failures));
}

}  // namespace culvert
