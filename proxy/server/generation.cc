#include "server/generation.h"

#include <algorithm>
#include <utility>

#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

bool tells_clients(const Config& config) {
  return std::any_of(config.upstreams.begin(), config.upstreams.end(),
                     [](const UpstreamConfig& upstream) { return upstream.proxy_protocol; });
}

std::vector<ListenerTerms> terms_of_listeners(const Ruleset& ruleset) {
  std::vector<ListenerTerms> terms;
  for (std::size_t i = 0; i < ruleset.config.listen.size(); ++i) {
    terms.push_back({ruleset.config.listen[i], ruleset.tls_listeners[i].get()});
  }
  return terms;
}

}  // namespace

Generation::Generation(std::shared_ptr<const Ruleset> ruleset, Loop& loop, Log& log,
                       FlowResources flow, Resumptions& resumptions, std::string_view pseudonym,
                       bool tends_upstreams, UpstreamCounterTable* counters)
    : ruleset_(std::move(ruleset)),
      upstreams_(make_upstreams(*ruleset_, loop, pseudonym, counters)),
      context_{.loop = loop,
               .log = log,
               .config = ruleset_->config,
               .gate = Gate(ruleset_->access, ruleset_->router, ruleset_->config.max_connections),
               .guard = ruleset_->guard,
               .upstreams = upstreams_,
               .resumptions = resumptions,
               .flow = flow,
               .tells_clients = tells_clients(ruleset_->config),
               .pseudonym = pseudonym,
               .listeners = terms_of_listeners(*ruleset_),
               .preset_gaps = ruleset_->preset_gaps.get(),
               .users = ruleset_->config.users.get(),
               .password_checks = ruleset_->password_checks.get()} {
  if (const StallLimit& limit = config().reset_stalled; limit.time.count() > 0) {
    context_.stalls = &stalls_.emplace(loop, log, limit);
  }
  if (tends_upstreams) tend_upstreams();
}

void Generation::tend_upstreams() {
  const Config& config = ruleset_->config;
  const auto wanted = config.probe_tls ? ProbeFor::tls_answer : ProbeFor::connection;
  const auto& probed = config.probe_tls ? config.probe_tls : config.probe;
  for (const auto& upstream : upstreams_) {
    if (!protocol_of(upstream->config).has_proxy) continue;
    if (probed) {
      probers_.push_back(std::make_unique<Prober>(context_.loop, context_.log, *upstream, *probed,
                                                  config.probe_interval, wanted));
      // What makes the tunnel is only just being started.
      if (!config.tunnel_command.empty()) probers_.back()->begin_later();
    } else {
      // Without a prober the failure of an earlier one's probe would never be cleared.
      upstream->health->clear_probe();
    }
    if (upstream->warm) {
      warm_keepers_.push_back(
          std::make_unique<WarmKeeper>(context_.loop, *upstream, upstream->config.warm));
    }
  }
}

void Generation::retire() {
  context_.draining = true;
  probers_.clear();
  warm_keepers_.clear();
  for (const auto& upstream : upstreams_) upstream->stragglers.clear();
}

}  // namespace culvert
