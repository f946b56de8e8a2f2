#include "status/facts.h"

#include <algorithm>
#include <string_view>

namespace culvert {
namespace {

std::string text_at(const Json& json, std::string_view name) {
  return json.at(name).text().value_or(std::string());
}

/// Sums of them do not overflow, whoever answers.
std::int64_t number_at(const Json& json, std::string_view name) {
  constexpr std::int64_t kMost = 100'000'000'000'000'000;
  return std::clamp<std::int64_t>(json.at(name).integer().value_or(0), 0, kMost);
}

bool is_true(const Json& json, std::string_view name) { return json.at(name).dump() == "true"; }

std::vector<std::int64_t> numbers_of(const Json& json) {
  std::vector<std::int64_t> out;
  for (const Json& each : json.elements()) out.push_back(each.integer().value_or(0));
  return out;
}

}  // namespace

ShownStatus ShownStatus::of(const Json& json) {
  ShownStatus out;
  out.version = text_at(json, "version");
  out.started = text_at(json, "started");
  out.state = text_at(json, "state");
  out.not_ready_reason = text_at(json, "not_ready_reason");
  out.unhealthy_reason = text_at(json, "unhealthy_reason");
  out.pid = number_at(json, "pid");
  out.uptime = number_at(json, "uptime_seconds");
  out.ready = is_true(json, "ready");
  out.healthy = is_true(json, "healthy");
  for (const Json& each : json.at("listeners").elements()) {
    out.listeners.push_back(each.text().value_or(std::string()));
  }
  out.connections = number_at(json, "connections");
  out.tunnels = number_at(json, "tunnels");
  out.stalled = number_at(json, "stalled");
  out.held = number_at(json, "held");
  const Json requests = json.at("requests");
  for (const std::string& outcome : requests.names()) {
    (outcome == "ok" ? out.requests_ok : out.requests_failed) += number_at(requests, outcome);
  }
  out.bytes_up = number_at(json, "bytes_up");
  out.bytes_down = number_at(json, "bytes_down");
  out.rate_up = number_at(json, "rate_up");
  out.rate_down = number_at(json, "rate_down");
  out.history_up = numbers_of(json.at("history").at("up"));
  out.history_down = numbers_of(json.at("history").at("down"));
  return out;
}

std::vector<ShownUpstream> ShownUpstream::of(const Json& json) {
  std::vector<ShownUpstream> list;
  for (const Json& each : json.at("upstreams").elements()) {
    ShownUpstream out;
    out.name = text_at(each, "name");
    out.label = text_at(each, "label");
    out.state = text_at(each, "state");
    out.reason = text_at(each, "reason");
    out.default_route = is_true(each, "default_route");
    out.down_for = number_at(each, "down_seconds");
    out.tunnels = number_at(each, "tunnels");
    const Json attempts = each.at("attempts");
    out.connected = number_at(attempts, "connected");
    out.failed = number_at(attempts, "failed") + number_at(attempts, "unanswered") +
                 number_at(attempts, "refused");
    out.false_successes = number_at(each, "false_successes");
    out.warm_wanted = number_at(each, "warm_wanted");
    out.warm_ready = number_at(each, "warm_ready");
    out.bytes_up = number_at(each, "bytes_up");
    out.bytes_down = number_at(each, "bytes_down");
    out.connect_ms = numbers_of(each.at("connect_ms"));
    list.push_back(std::move(out));
  }
  return list;
}

ShownTunnel ShownTunnel::of(const Json& json) {
  ShownTunnel out;
  out.id = number_at(json, "id");
  out.client = text_at(json, "client");
  out.user = text_at(json, "user");
  out.method = text_at(json, "method");
  out.target = text_at(json, "target");
  out.upstream = text_at(json, "upstream");
  out.stage = text_at(json, "stage");
  out.state = text_at(json, "state");
  const Json stall = json.at("stall");
  out.stall_side = text_at(stall, "side");
  out.stall_what = text_at(stall, "what");
  out.stalled_for = number_at(stall, "seconds");
  out.age = number_at(json, "age_seconds");
  out.quiet = number_at(json, "quiet_seconds");
  out.bytes_up = number_at(json, "bytes_up");
  out.bytes_down = number_at(json, "bytes_down");
  out.rate = number_at(json, "rate_up") + number_at(json, "rate_down");
  out.rate_known = json.at("rate_down").integer().has_value();
  return out;
}

ShownTunnels ShownTunnels::of(const Json& json) {
  ShownTunnels out;
  out.total = number_at(json, "total");
  out.matching = number_at(json, "matching");
  for (const Json& each : json.at("tunnels").elements()) {
    out.tunnels.push_back(ShownTunnel::of(each));
  }
  return out;
}

bool ShownTunnels::lacks_rates() const {
  return std::any_of(tunnels.begin(), tunnels.end(), [](const ShownTunnel& tunnel) {
    return tunnel.state == "moving" && !tunnel.rate_known;
  });
}

ShownFailure ShownFailure::of(const Json& json) {
  ShownFailure out;
  out.id = number_at(json, "id");
  out.status = number_at(json, "status");
  out.time = text_at(json, "time");
  out.client = text_at(json, "client");
  out.method = text_at(json, "method");
  out.target = text_at(json, "target");
  out.upstream = text_at(json, "upstream");
  out.outcome = text_at(json, "outcome");
  out.explanation = text_at(json, "explanation");
  out.hint = text_at(json, "hint");
  out.detail = text_at(json, "detail");
  return out;
}

std::vector<ShownFailure> ShownFailure::list(const Json& json) {
  std::vector<ShownFailure> out;
  for (const Json& each : json.at("failures").elements()) out.push_back(of(each));
  return out;
}

}  // namespace culvert
