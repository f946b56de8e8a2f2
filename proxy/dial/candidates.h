#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "dial/upstream.h"
#include "policy/balance.h"
#include "policy/router.h"

namespace culvert {

/// The upstreams of a route, for one request.
struct RouteLanes {
  std::vector<Upstream*> upstreams;
  std::vector<Tier> tiers{};  ///< as in Route, of these
  std::uint64_t client = 0;   ///< see affinity_of(); only with tiers

  /// It is not tried.
  void remove(const Upstream* upstream);
};

/// Which upstreams of a route are tried now, and in which order: the route's, each tier balanced,
/// without those whose breaker is open or whose probe failed while there is a better one.  If there
/// is none, all are tried but those that fail slowly, as each client would have to wait for a
/// timeout, and those that an administrator has marked down.
struct Candidates {
  std::vector<Upstream*> order;
  /// Why the first one is it.
  ChosenBy chosen_by = ChosenBy::order;
  bool preferred = true;  ///< false: there was no better one
  struct LeftOut {
    Upstream* upstream;
    std::string_view why;  ///< "keeps failing", to follow its name
  };
  std::vector<LeftOut> left_out;
  /// There is no better one, and these fail slowly, or an administrator has marked them down: they
  /// are not tried now.
  std::vector<Upstream*> resting;
};

/// For a request to `host`.
Candidates choose_candidates(const RouteLanes& route, std::string_view host, Upstream::Time now);

/// Whether none would be tried before `upstream`, but for those of its tier that are as good.
bool is_first_choice(const Upstream& upstream, const Route& route,
                     std::span<const std::unique_ptr<Upstream>> upstreams, Upstream::Time now);

}  // namespace culvert
