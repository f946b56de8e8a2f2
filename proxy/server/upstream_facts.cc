#include "server/upstream_facts.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

using State = UpstreamFacts::State;

void judge(UpstreamFacts& facts, const UpstreamHealth::Report& report, UpstreamMemory::WhyDown why,
           UpstreamHealth::Time now) {
  if (report.down_for) {
    facts.state = State::down;
    facts.down_for = report.down_for;
    facts.reason = std::move(why.failure);
  } else if (report.probe == UpstreamHealth::Probe::failed) {
    facts.state = State::down;
    facts.reason = std::move(why.probe);
    if (why.probes_fail_since) {
      const auto since =
          std::chrono::round<std::chrono::milliseconds>(now - *why.probes_fail_since);
      facts.down_for = std::max(since, std::chrono::milliseconds(0));
    }
  } else if (report.has_worked) {
    facts.state = State::up;
  }
}

}  // namespace

std::string_view name_of(State state) {
  static constexpr std::array<std::string_view, 4> kNames = {"unknown", "up", "down",
                                                             "marked_down"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(UpstreamHealth::BreakerState state) {
  static constexpr std::array<std::string_view, 3> kNames = {"closed", "open", "half_open"};
  return kNames[static_cast<std::size_t>(state)];
}

std::string_view name_of(UpstreamHealth::Probe probe) {
  static constexpr std::array<std::string_view, 3> kNames = {"none", "passed", "failed"};
  return kNames[static_cast<std::size_t>(probe)];
}

std::vector<UpstreamFacts> upstream_facts(const Ruleset& ruleset, UpstreamHealth::Time now) {
  const Config& config = ruleset.config;
  const std::vector<std::size_t>& otherwise = ruleset.router.otherwise().upstreams;
  std::vector<UpstreamFacts> all;
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    const UpstreamConfig& upstream = config.upstreams[i];
    const SharedUpstream& shared = ruleset.shared[i];
    UpstreamHealth::Report report = shared.health->report(now);
    UpstreamFacts& facts = all.emplace_back();
    facts.name = upstream.name;
    facts.label = upstream.label;
    facts.kind = scheme_of(upstream.kind);
    facts.default_route = std::find(otherwise.begin(), otherwise.end(), i) != otherwise.end();
    judge(facts, report, shared.memory->why_down(), now);
    if (shared.health->is_marked_down()) {
      facts.state = State::marked_down;
      facts.reason = concat({"upstream ", upstream.name, " is marked down by an administrator"});
    }
    facts.breaker = report.breaker;
    facts.probe = report.probe;
    facts.weight = upstream.weight;
    facts.active = shared.load->now().active;
    facts.warm_wanted = upstream.warm;
    if (shared.warm) facts.warm_ready = shared.warm->size();
    facts.false_successes = report.early_grants;
    facts.connects = std::move(report.connects);
  }
  return all;
}

}  // namespace culvert
