#include "policy/router.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/text.h"

namespace culvert {
namespace {

const Preset* preset_with(const RouteRule& rule, const TargetPattern& pattern) {
  for (const Preset* preset : rule.presets) {
    const auto& all = preset->patterns;
    if (std::find(all.begin(), all.end(), pattern.text()) != all.end()) return preset;
  }
  return nullptr;
}

}  // namespace

std::vector<RoutePart> parts_of(std::span<const std::size_t> upstreams,
                                std::span<const Tier> tiers) {
  std::vector<RoutePart> parts;
  const auto take = [&](std::size_t count, Balance balance) {
    parts.push_back({upstreams.first(count), balance});
    upstreams = upstreams.subspan(count);
  };
  for (const Tier& tier : tiers) {
    if (tier.is_balanced()) {
      take(tier.count, tier.balance);
    } else {
      for (std::size_t i = 0; i < tier.count; ++i) take(1, Balance::order);
    }
  }
  while (!upstreams.empty()) take(1, Balance::order);
  return parts;
}

std::string describe_upstreams(const Route& route, std::string_view then,
                               const std::function<std::string(std::size_t)>& name) {
  std::string out;
  for (const RoutePart& part : parts_of(route)) {
    std::string_view between = out.empty() ? "" : then;
    for (const std::size_t index : part.upstreams) {
      out += concat({between, name(index)});
      between = " or ";
    }
    if (part.balance != Balance::order) out += concat({" (", name_of(part.balance), ")"});
  }
  return out;
}

Router::Router(RoutingTable table) : table_(std::move(table)) {}

Router::Router(std::size_t upstream_count) {
  table_.otherwise.upstreams.resize(upstream_count);
  std::iota(table_.otherwise.upstreams.begin(), table_.otherwise.upstreams.end(), std::size_t{0});
  table_.otherwise.rule = "default";
}

const Route& Router::route(const HostPort& target) const {
  if (table_.no_proxy.matches(target)) return table_.direct;
  for (const RouteRule& rule : table_.rules) {
    for (const TargetPattern& pattern : rule.patterns) {
      if (pattern.matches(target)) return rule.route;
    }
  }
  return table_.otherwise;
}

const Route& Router::otherwise() const {
  for (const RouteRule& rule : table_.rules) {
    for (const TargetPattern& pattern : rule.patterns) {
      if (pattern.matches_everything()) return rule.route;
    }
  }
  return table_.otherwise;
}

const TargetPattern* Router::names(const HostPort& target) const {
  for (const RouteRule& rule : table_.rules) {
    for (const TargetPattern& pattern : rule.patterns) {
      if (pattern.names(target)) return rule.route.denied() ? nullptr : &pattern;
    }
  }
  return nullptr;
}

bool Router::has_rule_for(const HostPort& target) const {
  if (table_.no_proxy.matches(target)) return true;
  const auto names = [&](const TargetPattern& pattern) { return pattern.names(target); };
  return std::any_of(table_.rules.begin(), table_.rules.end(), [&](const RouteRule& rule) {
    return std::any_of(rule.patterns.begin(), rule.patterns.end(), names);
  });
}

Router::Explanation Router::explain(const HostPort& target) const {
  if (table_.no_proxy.matches(target)) {
    return {&table_.direct, table_.direct.rule + ": " + table_.no_proxy.why(target), nullptr};
  }
  for (const RouteRule& rule : table_.rules) {
    for (const TargetPattern& pattern : rule.patterns) {
      if (!pattern.matches(target)) continue;
      return {&rule.route,
              rule.route.rule + ": " + pattern.text() + " stands for " + pattern.meaning(),
              preset_with(rule, pattern)};
    }
  }
  return {&table_.otherwise, table_.otherwise.rule + ": no other rule matched", nullptr};
}

}  // namespace culvert
