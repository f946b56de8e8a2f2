#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dial/upstream.h"

namespace culvert {

/// Which upstreams of a route are tried now, and in which order: the route's, without those whose
/// breaker is open or whose probe failed while there is a better one.  If there is none, all are
/// tried but those that fail slowly, as each client would have to wait for a timeout, and those
/// that an administrator has marked down.
struct Candidates {
  std::vector<Upstream*> order;
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

Candidates choose_candidates(std::span<Upstream* const> route, Upstream::Time now);

/// The first in that order; nullptr if none would be tried.
const Upstream* first_candidate(std::span<const std::size_t> route,
                                std::span<const std::unique_ptr<Upstream>> upstreams,
                                Upstream::Time now);

}  // namespace culvert
