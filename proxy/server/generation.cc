#include "server/generation.h"

#include <string>
#include <utility>

#include "config/same_upstream.h"
#include "dial/via_transport.h"

namespace culvert {
namespace {

std::vector<std::unique_ptr<Upstream>> make_upstreams(const Ruleset& ruleset, Loop& loop,
                                                      std::string_view pseudonym) {
  const auto transport = std::make_shared<TcpTransport>(loop);
  std::vector<std::unique_ptr<Upstream>> out;
  for (std::size_t i = 0; i < ruleset.config.upstreams.size(); ++i) {
    auto upstream = std::make_unique<Upstream>();
    upstream->config = ruleset.config.upstreams[i];
    upstream->tls = ruleset.tls[i];
    upstream->health = ruleset.health[i];
    upstream->pseudonym = pseudonym;
    if (const auto& credentials = upstream->config.credentials) {
      upstream->authorization = Secret("Basic " + std::string(basic_token(*credentials).reveal()));
    }
    out.push_back(std::move(upstream));
  }
  for (const auto& upstream : out) {
    if (const auto& via = upstream->config.via_index) {
      upstream->transport = std::make_shared<ViaTransport>(loop, *out[*via]);
    } else {
      upstream->transport = transport;
    }
    if (const std::size_t wanted = upstream->config.warm) {
      upstream->warm = std::make_unique<WarmPool>(loop, *upstream, wanted);
    }
  }
  return out;
}

}  // namespace

Generation::Generation(std::shared_ptr<const Ruleset> ruleset, Loop& loop, Log& log,
                       FlowResources flow, std::string_view pseudonym, const Generation* before)
    : ruleset_(std::move(ruleset)),
      upstreams_(make_upstreams(*ruleset_, loop, pseudonym)),
      context_{.loop = loop,
               .log = log,
               .config = ruleset_->config,
               .access = ruleset_->access,
               .router = ruleset_->router,
               .guard = ruleset_->guard,
               .upstreams = upstreams_,
               .flow = flow,
               .pseudonym = pseudonym} {
  if (before != nullptr) remember(*before);
  const auto& config = ruleset_->config;
  for (const auto& upstream : upstreams_) {
    if (!config.probe || upstream->config.kind == UpstreamConfig::Kind::direct) continue;
    probers_.push_back(
        std::make_unique<Prober>(loop, log, *upstream, *config.probe, config.probe_interval));
  }
}

void Generation::remember(const Generation& before) {
  const auto& config = ruleset_->config;
  for (std::size_t i = 0; i < upstreams_.size(); ++i) {
    const auto same = same_upstream(before.ruleset_->config, config, i);
    if (!same) continue;
    upstreams_[i]->remember(*before.upstreams_[*same]);
    if (config.probe) continue;
    // Without a prober nobody might ever find out that it is well again.
    upstreams_[i]->probe_failed = false;
    upstreams_[i]->health->probe_told = false;
  }
}

void Generation::retire() {
  context_.draining = true;
  probers_.clear();
  for (const auto& upstream : upstreams_) {
    upstream->warm.reset();
    upstream->stragglers.clear();
  }
}

}  // namespace culvert
