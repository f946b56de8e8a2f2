#include "server/ruleset.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/random_number.h"
#include "config/same_upstream.h"
#include "dial/upstream_protocol.h"
#include "dial/via_transport.h"
#include "net/own_address.h"
#include "server/tls_listeners.h"

namespace culvert {

namespace {

/// None, if none is balanced.
std::vector<Tier> tiers_to_balance(const std::vector<Tier>& tiers) {
  return is_balanced(tiers) ? tiers : std::vector<Tier>();
}

/// Those of a route of which it has to be known how fast they are.
void note_pace_wanted(const std::vector<RoutePart>& parts,
                      std::vector<std::unique_ptr<Upstream>>& upstreams) {
  for (const RoutePart& part : parts) {
    if (part.balance != Balance::fastest) continue;
    for (const std::size_t index : part.upstreams) upstreams[index]->learns_pace = true;
  }
}

}  // namespace

Router make_router(const Config& config) {
  RoutingTable table;
  table.no_proxy = config.no_proxy;
  if (config.direct) table.direct.upstreams = {*config.direct};
  table.direct.rule = "--no-proxy";
  for (const RouteConfig& route : config.routes) {
    table.rules.push_back(
        {route.patterns,
         {route.upstreams, "--route " + route.text, tiers_to_balance(route.tiers)},
         route.presets});
  }
  table.otherwise = {config.default_route, "default", tiers_to_balance(config.default_tiers)};
  // A Config that was not read from a command line may name no default: then every upstream is.
  if (config.default_route.empty() && config.routes.empty() && !config.no_proxy.given()) {
    return Router(config.upstreams.size());
  }
  return Router(std::move(table));
}

namespace {

/// `route` has presets, and permits their hosts.
PresetGaps::PresetRoute preset_route(const Config& config, const RouteConfig& route) {
  PresetGaps::PresetRoute out{route.presets, route.upstreams, {}};
  for (const std::size_t index : route.upstreams) {
    if (!out.names.empty()) out.names += ',';
    out.names += config.upstreams[index].name;
  }
  return out;
}

std::unique_ptr<PresetGaps> make_preset_gaps(const Config& config, const Router& router) {
  std::vector<PresetGaps::PresetRoute> routes;
  for (const RouteConfig& route : config.routes) {
    const bool denied = route.upstreams.empty();
    if (!route.presets.empty() && !denied) routes.push_back(preset_route(config, route));
  }
  if (routes.empty()) return nullptr;
  return std::make_unique<PresetGaps>(router, routes);
}

/// Who signs in need not be in a list of addresses; where there is one as well, both must hold.
bool lets_any_address_in(const Config& config) {
  return config.open_proxy || (config.users && config.allow_clients.empty());
}

}  // namespace

Ruleset::Ruleset(Config values, std::vector<std::shared_ptr<const TlsClientContext>> tls,
                 std::vector<std::shared_ptr<TlsServerContext>> doors,
                 std::vector<std::shared_ptr<TlsServerContext>> admin_doors)
    : config(std::move(values)),
      password_checks(config.users ? std::make_shared<PasswordChecks>(config.threads) : nullptr),
      tls_listeners(std::move(doors)),
      tls_admin(std::move(admin_doors)),
      access(config.allow_clients, lets_any_address_in(config)),
      router(make_router(config)),
      preset_gaps(make_preset_gaps(config, router)),
      guard(listeners, router, is_own_address) {
  tls_listeners.resize(config.listen.size());
  tls_admin.resize(config.admin.size());
  // Different seeds: the trials of upstreams that went down together need not come together.
  for (std::size_t i = 0; i < config.upstreams.size(); ++i) {
    SharedUpstream& upstream = shared.emplace_back();
    upstream.tls = std::move(tls[i]);
    upstream.health = std::make_shared<UpstreamHealth>(UpstreamHealth::kLimits, random_number());
    upstream.memory = std::make_shared<UpstreamMemory>(true);
    if (config.upstreams[i].warm > 0) upstream.warm = std::make_shared<WarmPool>();
  }
}

std::unique_ptr<Ruleset> Ruleset::with(Config changed) const {
  std::vector<std::shared_ptr<const TlsClientContext>> tls;
  for (const SharedUpstream& upstream : shared) tls.push_back(upstream.tls);
  auto out =
      std::make_unique<Ruleset>(std::move(changed), std::move(tls), tls_listeners, tls_admin);
  out->listeners = listeners;
  out->keep_from(*this);
  return out;
}

void Ruleset::keep_from(const Ruleset& before) {
  std::vector<bool> stays(before.shared.size());
  for (std::size_t i = 0; i < shared.size(); ++i) {
    if (const auto same = same_upstream(before.config, config, i)) {
      shared[i].health = before.shared[*same].health;
      shared[i].memory = before.shared[*same].memory;
      shared[i].load = before.shared[*same].load;
      stays[*same] = true;
    } else if (auto load = before.load_of_departed(config.upstreams[i])) {
      shared[i].load = std::move(load);
    }
  }
  keep_departed(before, stays);
  if (password_checks && before.password_checks) password_checks = before.password_checks;
  keep_ticket_keys(before);
  if (preset_gaps && before.preset_gaps) preset_gaps->keep_reported(*before.preset_gaps);
}

/// One that comes back has to do what it had to do before.
void Ruleset::keep_departed(const Ruleset& before, const std::vector<bool>& stays) {
  for (const Departed& departed : before.departed_) {
    const auto load = departed.load.lock();
    const auto is_back = [&](const SharedUpstream& upstream) { return upstream.load == load; };
    if (load && std::none_of(shared.begin(), shared.end(), is_back)) departed_.push_back(departed);
  }
  for (std::size_t i = 0; i < stays.size(); ++i) {
    const UpstreamConfig& upstream = before.config.upstreams[i];
    if (!stays[i]) departed_.push_back({upstream.name, upstream.label, before.shared[i].load});
  }
}

std::shared_ptr<UpstreamLoad> Ruleset::load_of_departed(const UpstreamConfig& upstream) const {
  for (const Departed& departed : departed_) {
    if (departed.name != upstream.name || departed.label != upstream.label) continue;
    if (auto load = departed.load.lock()) return load;
  }
  return nullptr;
}

/// A ticket of before a reload is good after it.
void Ruleset::keep_ticket_keys(const Ruleset& before) {
  std::shared_ptr<TicketKeys> keys;
  for (const auto& listener : before.tls_listeners) {
    if (listener) keys = listener->ticket_keys();
  }
  if (!keys) return;
  for (const auto& listener : tls_listeners) {
    if (listener) listener->set_ticket_keys(keys);
  }
}

std::vector<std::shared_ptr<const TlsClientContext>> make_tls_contexts(
    const std::vector<UpstreamConfig>& upstreams, std::vector<std::string>& problems) {
  std::vector<std::shared_ptr<const TlsClientContext>> tls;
  for (const UpstreamConfig& upstream : upstreams) {
    tls.push_back(nullptr);
    if (!protocol_of(upstream).uses_tls) continue;
    auto made = TlsClientContext::make({upstream.ca, upstream.cert, upstream.key});
    if (made) {
      tls.back() = *made;
    } else {
      problems.push_back("--upstream " + upstream.label + ": " + made.error().text);
    }
  }
  return tls;
}

bool may_loop_unseen(const UpstreamConfig& upstream) {
  const UpstreamProtocol protocol = protocol_of(upstream);
  return protocol.has_proxy && !protocol.passes_via_on && !upstream.via_index;
}

std::vector<std::unique_ptr<Upstream>> make_upstreams(const Ruleset& ruleset, Loop& loop,
                                                      std::string_view pseudonym,
                                                      UpstreamCounterTable* counters) {
  const auto transport = std::make_shared<TcpTransport>(loop);
  std::vector<std::unique_ptr<Upstream>> out;
  for (std::size_t i = 0; i < ruleset.config.upstreams.size(); ++i) {
    auto upstream = std::make_unique<Upstream>();
    static_cast<SharedUpstream&>(*upstream) = ruleset.shared[i];
    upstream->config = ruleset.config.upstreams[i];
    upstream->pseudonym = pseudonym;
    if (counters != nullptr) upstream->counters = counters->of(upstream->config.name);
    if (may_loop_unseen(upstream->config)) {
      upstream->proxy_check = {&ruleset.guard, AddressGuard::Client::ourselves};
    }
    if (const auto& credentials = upstream->config.credentials) {
      upstream->authorization = Secret("Basic " + std::string(basic_token(*credentials).reveal()));
    }
    out.push_back(std::move(upstream));
  }
  const Config& config = ruleset.config;
  note_pace_wanted(parts_of(config.default_route, config.default_tiers), out);
  for (const RouteConfig& route : config.routes) {
    note_pace_wanted(parts_of(route.upstreams, route.tiers), out);
  }
  for (const auto& upstream : out) {
    if (const auto& via = upstream->config.via_index) {
      upstream->transport = std::make_shared<ViaTransport>(loop, *out[*via]);
    } else {
      upstream->transport = transport;
    }
  }
  return out;
}

void find_loops(const Ruleset& ruleset, std::vector<std::string>& problems) {
  const auto is_ours = [&](const HostPort& proxy) {
    if (proxy.ip) return ruleset.guard.is_ours(*proxy.ip, proxy.port);
    return proxy.is_loopback() &&
           (ruleset.guard.is_ours(*IpAddress::parse("127.0.0.1"), proxy.port) ||
            ruleset.guard.is_ours(*IpAddress::parse("::1"), proxy.port));
  };
  for (const UpstreamConfig& upstream : ruleset.config.upstreams) {
    if (!may_loop_unseen(upstream) || !is_ours(upstream.address)) continue;
    problems.push_back("--upstream " + upstream.label +
                       ": that is a --listen of this proxy itself, so each connection would only "
                       "request the next");
  }
}

void find_certificate_problems(const std::vector<UpstreamConfig>& upstreams,
                               const std::vector<ListenConfig>& listen,
                               std::vector<std::string>& problems) {
  std::vector<std::string> warnings;
  make_tls_contexts(upstreams, problems);
  make_tls_listeners("--listen", listen, problems, warnings);
}

std::unique_ptr<Ruleset> make_ruleset(Config config, std::vector<std::string>& problems) {
  const std::size_t before = problems.size();
  auto tls = make_tls_contexts(config.upstreams, problems);
  auto listeners = make_tls_listeners("--listen", config.listen, problems, config.warnings);
  auto admin = make_tls_listeners("--admin", config.admin, problems, config.warnings);
  if (problems.size() != before) return nullptr;
  return std::make_unique<Ruleset>(std::move(config), std::move(tls), std::move(listeners),
                                   std::move(admin));
}

}  // namespace culvert
