#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "policy/balance.h"
#include "policy/no_proxy.h"
#include "policy/presets.h"
#include "policy/target_pattern.h"

namespace culvert {

/// The upstreams for a target.
struct Route {
  std::vector<std::size_t> upstreams;  ///< indices into Config::upstreams, in the order to try
  std::string rule;                    ///< what chose it: "--route .gcr.io=tunnel", "default", ...
  /// How they are ordered anew for each request, from the first on; those beyond are tried in
  /// their order.  Of a Router's route empty if none is balanced.
  std::vector<Tier> tiers{};

  bool denied() const { return upstreams.empty(); }
};

/// Upstreams of a route that stand beside each other: those of a balanced tier, or one alone.
struct RoutePart {
  std::span<const std::size_t> upstreams;
  Balance balance = Balance::order;
};

/// A route in such parts, in their order; both are a Route's, or RouteConfig's.
std::vector<RoutePart> parts_of(std::span<const std::size_t> upstreams,
                                std::span<const Tier> tiers);
inline std::vector<RoutePart> parts_of(const Route& route) {
  return parts_of(route.upstreams, route.tiers);
}

/// "a or b (least), then c": the upstreams of `route` by what `name` calls them, `then` (", then ")
/// before what is for the failure of the others.
std::string describe_upstreams(const Route& route, std::string_view then,
                               const std::function<std::string(std::size_t)>& name);

/// One `--route`: the first of its patterns that matches decides.
struct RouteRule {
  std::vector<TargetPattern> patterns;
  Route route;
  std::vector<const Preset*> presets{};  ///< whose patterns are among those
};

/// The routing rules, in the order in which they are tried.
struct RoutingTable {
  NoProxy no_proxy;
  Route direct;                  ///< for what no_proxy matches
  std::vector<RouteRule> rules;  ///< first match wins
  Route otherwise;               ///< for the rest
};

/// The upstreams for a target, in the order to try.
class Router {
 public:
  explicit Router(RoutingTable table);

  /// No rules: upstreams 0 to count-1, in this order, for every target.
  explicit Router(std::size_t upstream_count);

  /// The route lives as long as the Router.
  const Route& route(const HostPort& target) const;

  /// For targets without a rule of their own: that of the first rule for everything, or else the
  /// default.
  const Route& otherwise() const;

  /// The pattern by which a route permits this target in particular; nullptr if none does, or a
  /// rule that denies it is first.
  const TargetPattern* names(const HostPort& target) const;

  /// Whether a rule, or no_proxy, is for this target in particular, as names() has it.
  bool has_rule_for(const HostPort& target) const;

  struct Explanation {
    const Route* route;
    std::string text;                ///< which rule matched and why, one line
    const Preset* preset = nullptr;  ///< what the rule has the pattern from, if so
  };
  Explanation explain(const HostPort& target) const;

 private:
  RoutingTable table_;
};

}  // namespace culvert
