#include "dial/candidates.h"

namespace culvert {
namespace {

constexpr std::string_view kMarkedDown = "is marked down by an administrator";

}  // namespace

Candidates choose_candidates(std::span<Upstream* const> route, Upstream::Time now) {
  Candidates out;
  out.order.reserve(route.size());
  for (Upstream* upstream : route) {
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
  if (out.preferred) return out;
  for (Upstream* upstream : route) {
    auto& list = upstream->health->view(now).may_be_tried() ? out.order : out.resting;
    list.push_back(upstream);
  }
  return out;
}

const Upstream* first_candidate(std::span<const std::size_t> route,
                                std::span<const std::unique_ptr<Upstream>> upstreams,
                                Upstream::Time now) {
  const Upstream* second_best = nullptr;
  for (const std::size_t index : route) {
    const Upstream& upstream = *upstreams[index];
    const auto view = upstream.health->view(now);
    if (view.is_preferred()) return &upstream;
    if (second_best == nullptr && view.may_be_tried()) second_best = &upstream;
  }
  return second_best;
}

}  // namespace culvert
