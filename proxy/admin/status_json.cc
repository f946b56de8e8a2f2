#include "admin/status_json.h"

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/utc_text.h"

namespace culvert {
namespace {

Json json_count(std::uint64_t number) { return Json(static_cast<std::int64_t>(number)); }

Json or_null(std::string_view text) { return text.empty() ? Json() : Json(text); }

Json requests_json(const Stats& stats) {
  Json out = Json::object();
  for (std::size_t i = 0; i < Stats::outcomes(); ++i) {
    const Outcome outcome = Stats::outcome_at(i);
    const std::uint64_t times = stats.requests(outcome);
    if (times > 0 && !outcome.name().empty()) out.set(outcome.name(), json_count(times));
  }
  return out;
}

Json history_json(const History& history, const WallClock& now) {
  Json up = Json::array();
  Json down = Json::array();
  for (const Rate& rate : history.rates()) {
    up.append(json_count(rate.up));
    down.append(json_count(rate.down));
  }
  Json out = Json::object();
  out.set("interval_seconds", Json(std::int64_t{History::kInterval.count()}));
  out.set("end", history.rates().empty() ? Json() : Json(now.utc(history.end())));
  return out.set("up", up).set("down", down);
}

std::string_view name_of(Side side) { return side == Side::client ? "client" : "upstream"; }

Json stall_json(const std::optional<SessionStall>& stall, Loop::Clock::time_point now) {
  if (!stall) return {};
  Json out = Json::object();
  out.set("side", name_of(stall->side));
  out.set("what", culvert::name_of(stall->what));
  out.set("seconds", json_seconds(now - stall->since));
  return out.set("text", stall->text);
}

Json tunnel_json(const SessionFacts& session, const std::optional<Rate>& rate,
                 Loop::Clock::time_point now) {
  Json out = Json::object();
  out.set("id", json_count(session.id));
  out.set("client", session.client);
  out.set("user", or_null(session.user));
  out.set("method", session.method);
  out.set("target", session.target);
  out.set("upstream", or_null(session.upstream));
  out.set("stage", culvert::name_of(session.stage));
  out.set("age_seconds", json_seconds(now - session.started));
  out.set("bytes_up", json_count(session.bytes_up));
  out.set("bytes_down", json_count(session.bytes_down));
  out.set("rate_up", rate ? json_count(rate->up) : Json());
  out.set("rate_down", rate ? json_count(rate->down) : Json());
  out.set("quiet_seconds", json_seconds(now - session.moved));
  out.set("state", culvert::name_of(session.state));
  out.set("waiting_for_client", json_count(session.waiting_for_client));
  out.set("waiting_for_upstream", json_count(session.waiting_for_upstream));
  out.set("stall", stall_json(session.stall, now));
  return out.set("connect_ms",
                 session.connect_ms < 0 ? Json() : Json(std::int64_t{session.connect_ms}));
}

Json upstream_json(const UpstreamFacts& facts, const UpstreamTally* tally) {
  Json attempts = Json::object();
  for (std::size_t i = 0; i < kAttemptEnds; ++i) {
    const auto end = static_cast<AttemptEnd>(i);
    attempts.set(culvert::name_of(end), json_count(tally ? tally->counters.attempts[i] : 0));
  }
  Json connects = Json::array();
  for (const auto took : facts.connects) {
    connects.append(
        Json(std::int64_t{std::chrono::round<std::chrono::milliseconds>(took).count()}));
  }
  Json out = Json::object();
  out.set("name", facts.name);
  out.set("label", facts.label);
  out.set("kind", facts.kind);
  out.set("default_route", Json(facts.default_route));
  out.set("state", culvert::name_of(facts.state));
  out.set("down_seconds", facts.down_for ? json_seconds(*facts.down_for) : Json());
  out.set("reason", or_null(facts.reason));
  out.set("breaker", culvert::name_of(facts.breaker));
  out.set("probe", culvert::name_of(facts.probe));
  out.set("warm_wanted", json_count(facts.warm_wanted));
  out.set("warm_ready", json_count(facts.warm_ready));
  out.set("weight", json_count(facts.weight));
  out.set("active", json_count(facts.active));
  out.set("tunnels", json_count(tally ? tally->tunnels : 0));
  out.set("attempts", attempts);
  out.set("bytes_up", json_count(tally ? tally->bytes.up : 0));
  out.set("bytes_down", json_count(tally ? tally->bytes.down : 0));
  out.set("false_successes", json_count(facts.false_successes));
  return out.set("connect_ms", connects);
}

}  // namespace

std::string WallClock::utc(Loop::Clock::time_point time) const {
  return rfc3339_text(
      wall + std::chrono::duration_cast<std::chrono::system_clock::duration>(time - steady));
}

Json json_seconds(std::chrono::nanoseconds time) {
  const auto ms = std::chrono::round<std::chrono::milliseconds>(time).count();
  return Json(static_cast<double>(ms) / 1000);
}

Json status_json(const Survey& survey, const StatusFacts& facts) {
  const WorkerFacts total = survey.total();
  Json listeners = Json::array();
  for (const std::string& url : survey.listeners) listeners.append(url);
  Json out = Json::object();
  out.set("version", CULVERT_VERSION);
  out.set("pid", Json(std::int64_t{facts.pid}));
  out.set("started", facts.now.utc(facts.started));
  out.set("now", facts.now.utc(facts.now.steady));
  out.set("uptime_seconds", json_seconds(facts.now.steady - facts.started));
  out.set("state", survey.draining ? "draining" : "serving");
  out.set("ready", Json(facts.not_ready.empty()));
  out.set("not_ready_reason", or_null(facts.not_ready));
  out.set("healthy", Json(facts.unhealthy.empty()));
  out.set("unhealthy_reason", or_null(facts.unhealthy));
  out.set("actions_allowed", Json(facts.actions_allowed));
  out.set("workers", json_count(survey.workers.size()));
  out.set("listeners", listeners);
  out.set("connections", json_count(survey.connections));
  out.set("tunnels", json_count(total.tunnels));
  out.set("stalled", json_count(total.counters.stalled));
  out.set("held", json_count(total.counters.dials.held));
  out.set("requests", requests_json(total.stats));
  out.set("bytes_up", json_count(total.bytes.up));
  out.set("bytes_down", json_count(total.bytes.down));
  out.set("rate_up", json_count(facts.rate.up));
  out.set("rate_down", json_count(facts.rate.down));
  if (facts.history != nullptr) out.set("history", history_json(*facts.history, facts.now));
  return out;
}

Json tunnels_json(const TunnelQuery& query, const Survey& survey, const SessionRates& rates) {
  const SelectedTunnels selected = select_tunnels(query, survey.sessions, rates);
  Json rows = Json::array();
  for (const SessionFacts* session : selected.page) {
    rows.append(tunnel_json(*session, rates.of(session->id), survey.taken));
  }
  Json out = Json::object();
  out.set("total", json_count(survey.sessions.size()));
  out.set("matching", json_count(selected.matching));
  out.set("offset", json_count(query.offset));
  return out.set("tunnels", rows);
}

Json failure_json(const FailedRequest& failed) {
  Json out = Json::object();
  out.set("id", json_count(failed.id));
  out.set("time", rfc3339_text(failed.time));
  out.set("client", failed.client);
  out.set("method", failed.method);
  out.set("target", failed.target);
  out.set("upstream", or_null(failed.upstream));
  out.set("status", Json(std::int64_t{failed.status}));
  out.set("outcome", failed.outcome);
  out.set("stage", failed.stage);
  out.set("explanation", failed.explanation);
  out.set("hint", or_null(failed.hint));
  return out.set("detail", or_null(failed.detail));
}

Json failures_json(const Survey& survey, std::size_t limit) {
  Json rows = Json::array();
  const auto& all = survey.failures;
  for (std::size_t i = 0; i < all.size() && i < limit; ++i) {
    rows.append(failure_json(all[all.size() - 1 - i].request));
  }
  return Json::object().set("failures", rows);
}

Json upstreams_json(const std::vector<UpstreamFacts>& upstreams, const WorkerFacts& total) {
  Json rows = Json::array();
  for (const UpstreamFacts& one : upstreams) {
    rows.append(upstream_json(one, total.upstream(one.name)));
  }
  return Json::object().set("upstreams", rows);
}

}  // namespace culvert
