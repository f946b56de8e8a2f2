#include "server/policy.h"

#include <utility>

#include "config/routing.h"
#include "config/same_upstream.h"
#include "net/own_address.h"

namespace culvert {

Policy::Policy(Config config_, std::vector<std::shared_ptr<const TlsClientContext>> tls_)
    : config(std::move(config_)),
      tls(std::move(tls_)),
      access(config.allow_clients, config.open_proxy),
      router(make_router(config)),
      guard(listeners, router, is_own_address) {
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    health.push_back(std::make_shared<UpstreamHealth>());
  }
}

void Policy::keep_health(const Policy& before) {
  for (std::size_t i = 0; i < health.size(); ++i) {
    if (const auto same = same_upstream(before.config, config, i)) health[i] = before.health[*same];
  }
}

std::vector<std::shared_ptr<const TlsClientContext>> make_tls_contexts(
    const std::vector<UpstreamConfig>& upstreams, std::vector<std::string>& problems) {
  std::vector<std::shared_ptr<const TlsClientContext>> tls;
  for (const UpstreamConfig& upstream : upstreams) {
    tls.push_back(nullptr);
    if (upstream.kind != UpstreamConfig::Kind::https) continue;
    auto made = TlsClientContext::make({upstream.ca, upstream.cert, upstream.key});
    if (made) {
      tls.back() = *made;
    } else {
      problems.push_back("--upstream " + upstream.label + ": " + made.error().text);
    }
  }
  return tls;
}

std::unique_ptr<Policy> make_policy(Config config, std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  auto tls = make_tls_contexts(config.upstreams, problems);
  if (problems.size() != before) return nullptr;
  return std::make_unique<Policy>(std::move(config), std::move(tls));
}

}  // namespace culvert
