#include "admin/status_json.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

namespace {

const Loop::Clock::time_point kNow{1'000s};
const WallClock kWall{std::chrono::system_clock::time_point(1'795'788'000'250ms), kNow};

std::string dump(const Json& value, std::string_view name) { return value.at(name).dump(); }

StatusFacts facts() {
  StatusFacts facts;
  facts.now = kWall;
  facts.started = kNow - 12'345ms;
  facts.pid = 4242;
  return facts;
}

SessionRecord finished(Outcome outcome) {
  SessionRecord record;
  record.set_method("CONNECT");
  record.finish(outcome, Side::client, {});
  return record;
}

Survey sample() {
  Survey survey;
  survey.taken = kNow;
  survey.connections = 5;
  survey.listeners = {"http://127.0.0.1:3128", "unix:/a"};
  for (std::size_t i = 0; i < 2; ++i) {
    WorkerFacts worker;
    worker.worker = i;
    worker.stats.add(finished(Outcome::Kind::ok));
    worker.bytes = {100, 5'000'000'000'000};
    worker.tunnels = 2;
    worker.counters.stalled = 1;
    worker.counters.dials.held = i;
    survey.workers.push_back(worker);
  }
  survey.workers[1].stats.add(finished(Errc::dns_error));
  return survey;
}

SessionFacts tunnel() {
  SessionFacts session;
  session.id = 17;
  session.client = "127.0.0.1:50123";
  session.method = "CONNECT";
  session.target = "gcr.io:443";
  session.started = kNow - 1'500ms;
  session.moved = kNow - 200ms;
  return session;
}

Json tunnels(const std::vector<SessionFacts>& sessions, const SessionRates& rates = {},
             const std::string& query = {}) {
  Survey survey;
  survey.taken = kNow;
  survey.sessions = sessions;
  return tunnels_json(*TunnelQuery::parse(query), survey, rates);
}

}  // namespace

TEST_CASE("seconds are told in thousandths") {
  CHECK(json_seconds(1'500ms).dump() == "1.5");
  CHECK(json_seconds(1'234'567us).dump() == "1.235");
  CHECK(json_seconds(0ns).dump() == "0.0");
}

TEST_CASE("steady time points are told as UTC") {
  CHECK(kWall.utc(kNow) == "2026-11-27T14:00:00.250Z");
  CHECK(kWall.utc(kNow - 1s) == "2026-11-27T13:59:59.250Z");
}

TEST_CASE("the status of a server") {
  const Json status = status_json(sample(), facts());
  CHECK(status.names() ==
        Names{"version",         "pid",      "started",          "now",         "uptime_seconds",
              "state",           "ready",    "not_ready_reason", "healthy",     "unhealthy_reason",
              "actions_allowed", "workers",  "listeners",        "connections", "tunnels",
              "stalled",         "held",     "requests",         "bytes_up",    "bytes_down",
              "rate_up",         "rate_down"});
  CHECK(dump(status, "version") == "\"" CULVERT_VERSION "\"");
  CHECK(dump(status, "pid") == "4242");
  CHECK(dump(status, "started") == "\"2026-11-27T13:59:47.905Z\"");
  CHECK(dump(status, "now") == "\"2026-11-27T14:00:00.250Z\"");
  CHECK(dump(status, "uptime_seconds") == "12.345");
  CHECK(dump(status, "state") == "\"serving\"");
  CHECK(dump(status, "ready") == "true");
  CHECK(dump(status, "not_ready_reason") == "null");
  CHECK(dump(status, "healthy") == "true");
  CHECK(dump(status, "unhealthy_reason") == "null");
  CHECK(dump(status, "actions_allowed") == "false");
  CHECK(dump(status, "workers") == "2");
  CHECK(status.at("listeners").elements().size() == 2);
  CHECK(status.at("listeners").elements()[1].text() == "unix:/a");
  CHECK(dump(status, "connections") == "5");
  CHECK(dump(status, "tunnels") == "4");
  CHECK(dump(status, "stalled") == "2");
  CHECK(dump(status, "held") == "1");
  CHECK(status.at("requests").names().size() == 2);
  CHECK(dump(status.at("requests"), "ok") == "2");
  CHECK(dump(status.at("requests"), "dns_error") == "1");
  CHECK(dump(status, "bytes_up") == "200");
  CHECK(dump(status, "bytes_down") == "10000000000000");
  CHECK(dump(status, "rate_up") == "0");
}

TEST_CASE("the status of a server that drains, is ill, and may be acted upon") {
  Survey survey = sample();
  survey.draining = true;
  StatusFacts with = facts();
  with.not_ready = "it drains";
  with.unhealthy = "a loop is stuck";
  with.actions_allowed = true;
  with.rate = {7, 8};
  const Json status = status_json(survey, with);
  CHECK(dump(status, "state") == "\"draining\"");
  CHECK(dump(status, "ready") == "false");
  CHECK(dump(status, "not_ready_reason") == "\"it drains\"");
  CHECK(dump(status, "healthy") == "false");
  CHECK(dump(status, "unhealthy_reason") == "\"a loop is stuck\"");
  CHECK(dump(status, "actions_allowed") == "true");
  CHECK(dump(status, "rate_up") == "7");
  CHECK(dump(status, "rate_down") == "8");
}

TEST_CASE("the history is told where it is asked for") {
  History history;
  StatusFacts with = facts();
  with.history = &history;
  Json told = status_json(sample(), with).at("history");
  CHECK(told.names() == Names{"interval_seconds", "end", "up", "down"});
  CHECK(dump(told, "interval_seconds") == "5");
  CHECK(dump(told, "end") == "null");
  CHECK(dump(told, "up") == "[]");
  history.look(0, 0, kNow - 11s);
  history.look(500, 0, kNow - 6s);
  history.look(500, 1'000, kNow - 1s);
  told = status_json(sample(), with).at("history");
  CHECK(dump(told, "end") == "\"2026-11-27T13:59:59.250Z\"");
  CHECK(told.at("up").elements().size() == 2);
  CHECK(told.at("up").elements()[0].integer() == 100);
  CHECK(told.at("down").elements()[1].integer() == 200);
}

TEST_CASE("a tunnel that is just being set up") {
  const Json all = tunnels({tunnel()});
  CHECK(all.names() == Names{"total", "matching", "offset", "tunnels"});
  CHECK(dump(all, "total") == "1");
  CHECK(dump(all, "matching") == "1");
  CHECK(dump(all, "offset") == "0");
  REQUIRE(all.at("tunnels").elements().size() == 1);
  const Json row = all.at("tunnels").elements()[0];
  CHECK(row.names() == Names{"id", "client", "user", "method", "target", "upstream", "stage",
                             "age_seconds", "bytes_up", "bytes_down", "rate_up", "rate_down",
                             "quiet_seconds", "state", "waiting_for_client", "waiting_for_upstream",
                             "stall", "connect_ms"});
  CHECK(dump(row, "id") == "17");
  CHECK(dump(row, "client") == "\"127.0.0.1:50123\"");
  CHECK(dump(row, "user") == "null");
  CHECK(dump(row, "method") == "\"CONNECT\"");
  CHECK(dump(row, "target") == "\"gcr.io:443\"");
  CHECK(dump(row, "upstream") == "null");
  CHECK(dump(row, "stage") == "\"route\"");
  CHECK(dump(row, "age_seconds") == "1.5");
  CHECK(dump(row, "rate_up") == "null");
  CHECK(dump(row, "rate_down") == "null");
  CHECK(dump(row, "quiet_seconds") == "0.2");
  CHECK(dump(row, "state") == "\"connecting\"");
  CHECK(dump(row, "stall") == "null");
  CHECK(dump(row, "connect_ms") == "null");
}

TEST_CASE("a tunnel that has stalled") {
  SessionFacts session = tunnel();
  session.user = "bob";
  session.upstream = "tunnel";
  session.stage = SessionStage::tunnel;
  session.state = SessionFacts::State::stalled;
  session.bytes_up = 1;
  session.bytes_down = 2;
  session.waiting_for_client = 3;
  session.waiting_for_upstream = 4;
  session.connect_ms = 0;
  session.stall = SessionStall{Side::client, Idleness::does_not_read, kNow - 31s, "it sleeps"};
  SessionRates rates;
  rates.look({session}, kNow - 2s);
  session.bytes_down = 4'002;
  rates.look({session}, kNow);
  const Json row = tunnels({session}, rates).at("tunnels").elements()[0];
  CHECK(dump(row, "user") == "\"bob\"");
  CHECK(dump(row, "upstream") == "\"tunnel\"");
  CHECK(dump(row, "stage") == "\"tunnel\"");
  CHECK(dump(row, "bytes_up") == "1");
  CHECK(dump(row, "bytes_down") == "4002");
  CHECK(dump(row, "rate_up") == "0");
  CHECK(dump(row, "rate_down") == "2000");
  CHECK(dump(row, "state") == "\"stalled\"");
  CHECK(dump(row, "waiting_for_client") == "3");
  CHECK(dump(row, "waiting_for_upstream") == "4");
  CHECK(dump(row, "connect_ms") == "0");
  const Json stall = row.at("stall");
  CHECK(stall.names() == Names{"side", "what", "seconds", "text"});
  CHECK(dump(stall, "side") == "\"client\"");
  CHECK(dump(stall, "what") == "\"does_not_read\"");
  CHECK(dump(stall, "seconds") == "31.0");
  CHECK(dump(stall, "text") == "\"it sleeps\"");
}

TEST_CASE("a page of tunnels tells how many there are in all") {
  SessionFacts other = tunnel();
  other.id = 18;
  other.target = "other.example:443";
  SessionFacts third = tunnel();
  third.id = 19;
  const Json all = tunnels({other, third, tunnel()}, {}, "filter=gcr&limit=1&offset=1&sort=id");
  CHECK(dump(all, "total") == "3");
  CHECK(dump(all, "matching") == "2");
  CHECK(dump(all, "offset") == "1");
  REQUIRE(all.at("tunnels").elements().size() == 1);
  CHECK(dump(all.at("tunnels").elements()[0], "id") == "19");
}

TEST_CASE("upstreams, with what the workers count of them") {
  UpstreamFacts used;
  used.name = "tunnel";
  used.label = "socks5://127.0.0.1:1080";
  used.kind = "socks5";
  used.default_route = true;
  used.state = UpstreamFacts::State::up;
  used.probe = UpstreamHealth::Probe::passed;
  used.warm_wanted = 4;
  used.warm_ready = 3;
  used.weight = 7;
  used.active = 5;
  used.connects = {12ms, 15'400us};
  UpstreamFacts down;
  down.name = "other";
  down.state = UpstreamFacts::State::down;
  down.down_for = 12s;
  down.reason = "it does not answer";
  down.breaker = UpstreamHealth::BreakerState::half_open;
  down.false_successes = 9;
  WorkerFacts total;
  UpstreamTally tally{"tunnel", {}, {500, 600}, 2};
  tally.counters.count(AttemptEnd::connected);
  tally.counters.count(AttemptEnd::connected);
  tally.counters.count(AttemptEnd::refused);
  total.upstreams.push_back(tally);

  const Json all = upstreams_json({used, down}, total);
  CHECK(all.names() == Names{"upstreams"});
  REQUIRE(all.at("upstreams").elements().size() == 2);
  const Json first = all.at("upstreams").elements()[0];
  CHECK(first.names() == Names{"name", "label", "kind", "default_route", "state", "down_seconds",
                               "reason", "breaker", "probe", "warm_wanted", "warm_ready", "weight",
                               "active", "tunnels", "attempts", "bytes_up", "bytes_down",
                               "false_successes", "connect_ms"});
  CHECK(dump(first, "name") == "\"tunnel\"");
  CHECK(dump(first, "label") == "\"socks5://127.0.0.1:1080\"");
  CHECK(dump(first, "kind") == "\"socks5\"");
  CHECK(dump(first, "default_route") == "true");
  CHECK(dump(first, "state") == "\"up\"");
  CHECK(dump(first, "down_seconds") == "null");
  CHECK(dump(first, "reason") == "null");
  CHECK(dump(first, "breaker") == "\"closed\"");
  CHECK(dump(first, "probe") == "\"passed\"");
  CHECK(dump(first, "warm_wanted") == "4");
  CHECK(dump(first, "warm_ready") == "3");
  CHECK(dump(first, "weight") == "7");
  CHECK(dump(first, "active") == "5");
  CHECK(dump(first, "tunnels") == "2");
  CHECK(first.at("attempts").names() ==
        Names{"connected", "refused", "failed", "unanswered", "abandoned"});
  CHECK(dump(first.at("attempts"), "connected") == "2");
  CHECK(dump(first.at("attempts"), "refused") == "1");
  CHECK(dump(first, "bytes_up") == "500");
  CHECK(dump(first, "bytes_down") == "600");
  REQUIRE(first.at("connect_ms").elements().size() == 2);
  CHECK(first.at("connect_ms").elements()[0].integer() == 12);
  CHECK(first.at("connect_ms").elements()[1].integer() == 15);

  const Json second = all.at("upstreams").elements()[1];
  CHECK(dump(second, "default_route") == "false");
  CHECK(dump(second, "state") == "\"down\"");
  CHECK(dump(second, "down_seconds") == "12.0");
  CHECK(dump(second, "reason") == "\"it does not answer\"");
  CHECK(dump(second, "breaker") == "\"half_open\"");
  CHECK(dump(second, "probe") == "\"none\"");
  CHECK(dump(second, "tunnels") == "0");
  CHECK(dump(second.at("attempts"), "failed") == "0");
  CHECK(dump(second, "false_successes") == "9");
  CHECK(dump(second, "connect_ms") == "[]");
}

TEST_CASE("failed requests, the newest first") {
  Survey survey;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    Survey::Failure failure;
    failure.request.number = i;
    failure.request.id = 10 + i;
    failure.request.time = kWall.wall + i * 1s;
    failure.request.client = "127.0.0.1:50124";
    failure.request.outcome = "connection_refused";
    failure.request.stage = "dial";
    survey.failures.push_back(failure);
  }
  FailedRequest& last = survey.failures.back().request;
  last.method = "CONNECT";
  last.target = "gcr.io:443";
  last.upstream = "tunnel";
  last.status = 502;
  last.explanation = "it refused the connection";
  last.hint = "is the tunnel up?";
  last.detail = "attempts failed: a";
  const Json all = failures_json(survey, 2);
  CHECK(all.names() == Names{"failures"});
  const auto rows = all.at("failures").elements();
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].names() == Names{"id", "time", "client", "method", "target", "upstream", "status",
                                 "outcome", "stage", "explanation", "hint", "detail"});
  CHECK(dump(rows[0], "id") == "13");
  CHECK(dump(rows[0], "time") == "\"2026-11-27T14:00:03.250Z\"");
  CHECK(dump(rows[0], "client") == "\"127.0.0.1:50124\"");
  CHECK(dump(rows[0], "method") == "\"CONNECT\"");
  CHECK(dump(rows[0], "target") == "\"gcr.io:443\"");
  CHECK(dump(rows[0], "upstream") == "\"tunnel\"");
  CHECK(dump(rows[0], "status") == "502");
  CHECK(dump(rows[0], "outcome") == "\"connection_refused\"");
  CHECK(dump(rows[0], "stage") == "\"dial\"");
  CHECK(dump(rows[0], "explanation") == "\"it refused the connection\"");
  CHECK(dump(rows[0], "hint") == "\"is the tunnel up?\"");
  CHECK(dump(rows[0], "detail") == "\"attempts failed: a\"");
  CHECK(dump(rows[1], "id") == "12");
  CHECK(dump(rows[1], "upstream") == "null");
  CHECK(dump(rows[1], "hint") == "null");
  CHECK(dump(rows[1], "detail") == "null");
  CHECK(failures_json(survey, 100).at("failures").elements().size() == 3);
  CHECK(failures_json({}, 100).at("failures").elements().empty());
}
