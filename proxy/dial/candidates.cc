#include "dial/candidates.h"

#include <algorithm>
#include <optional>

namespace culvert {
namespace {

constexpr std::string_view kMarkedDown = "is marked down by an administrator";

/// In the order of `tier` from now on.
ChosenBy put_in_order(const Tier& tier, std::span<Upstream*> of_tier, const RouteLanes& route,
                      std::string_view host, Upstream::Time now) {
  if (!tier.is_balanced() || of_tier.empty()) return ChosenBy::order;
  std::vector<Lane> lanes;
  lanes.reserve(of_tier.size());
  for (const Upstream* upstream : of_tier) {
    const UpstreamConfig& config = upstream->config;
    Lane& lane = lanes.emplace_back();
    lane.weight = config.weight;
    lane.load = upstream->load->now();
    if (tier.balance == Balance::fastest) lane.pace = upstream->load->pace();
    lane.affinity = affinity_of(route.client, host, config.name);
  }
  const bool explores = tier.balance == Balance::fastest && of_tier[0]->load->may_explore();
  const Ranking ranking = rank(tier.balance, lanes, now, explores);
  const std::vector<Upstream*> before(of_tier.begin(), of_tier.end());
  for (std::size_t i = 0; i < before.size(); ++i) of_tier[i] = before[ranking.order[i]];
  return ranking.first;
}

/// Each tier by itself.
void balance(const RouteLanes& route, std::string_view host, Upstream::Time now, Candidates& out) {
  auto member = route.upstreams.begin();
  auto next = out.order.begin();
  for (const Tier& tier : route.tiers) {
    const auto first = next;
    for (std::size_t i = 0; i < tier.count; ++i, ++member) {
      if (next != out.order.end() && *next == *member) ++next;
    }
    const ChosenBy chosen = put_in_order(tier, {first, next}, route, host, now);
    if (first == out.order.begin() && next != first) {
      out.chosen_by = &tier == &route.tiers.front() ? chosen : ChosenBy::failover;
    }
  }
}

}  // namespace

void RouteLanes::remove(const Upstream* upstream) {
  const auto found = std::find(upstreams.begin(), upstreams.end(), upstream);
  if (found == upstreams.end()) return;
  auto before = static_cast<std::size_t>(found - upstreams.begin());
  upstreams.erase(found);
  for (Tier& tier : tiers) {
    if (before < tier.count) {
      --tier.count;
      return;
    }
    before -= tier.count;
  }
}

Candidates choose_candidates(const RouteLanes& route, std::string_view host, Upstream::Time now) {
  Candidates out;
  out.order.reserve(route.upstreams.size());
  for (Upstream* upstream : route.upstreams) {
    const auto view = upstream->health->view(now);
    if (view.is_preferred()) {
      out.order.push_back(upstream);
    } else {
      out.left_out.push_back({upstream, view.marked_down    ? kMarkedDown
                                        : view.probe_failed ? "failed its probe"
                                        : view.open         ? "keeps failing"
                                        : view.stalls       ? "has stalled"
                                                            : "grants tunnels too early"});
    }
  }
  out.preferred = !out.order.empty();
  if (!out.preferred) {
    for (Upstream* upstream : route.upstreams) {
      auto& list = upstream->health->view(now).may_be_tried() ? out.order : out.resting;
      list.push_back(upstream);
    }
  }
  if (!route.tiers.empty()) balance(route, host, now, out);
  return out;
}

bool is_first_choice(const Upstream& upstream, const Route& route,
                     std::span<const std::unique_ptr<Upstream>> upstreams, Upstream::Time now) {
  const auto leads = [&](auto may_serve) -> std::optional<bool> {
    for (const RoutePart& part : parts_of(route)) {
      bool found = false;
      for (const std::size_t index : part.upstreams) {
        if (!may_serve(upstreams[index]->health->view(now))) continue;
        if (upstreams[index].get() == &upstream) return true;
        found = true;
      }
      if (found) return false;
    }
    return std::nullopt;
  };
  using View = UpstreamHealth::View;
  if (const auto first = leads([](const View& view) { return view.is_preferred(); })) return *first;
  return leads([](const View& view) { return view.may_be_tried(); }).value_or(false);
}

}  // namespace culvert
