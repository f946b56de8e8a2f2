#pragma once

#include <vector>

#include "config/config.h"

namespace culvert {

/// For a reload: each listener of `bound`, in that order, with the settings that it has in `now`;
/// one that is there no more keeps its own, as its socket stays open until a restart.
std::vector<ListenConfig> bound_listeners(const std::vector<ListenConfig>& bound,
                                          const std::vector<ListenConfig>& now);

/// Those of `now` whose scheme or options a reload has changed.  `before` has the same ones in the
/// same order.
std::vector<ListenConfig> changed_listeners(const std::vector<ListenConfig>& before,
                                            const std::vector<ListenConfig>& now);

}  // namespace culvert
