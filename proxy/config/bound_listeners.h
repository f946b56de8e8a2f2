#pragma once

#include <vector>

#include "config/config.h"

namespace culvert {

/// For a reload: each listener of `bound`, in that order, with the settings that it has in `now`;
/// one that is there no more keeps its own, as its socket stays open until a restart.
std::vector<ListenConfig> bound_listeners(const std::vector<ListenConfig>& bound,
                                          const std::vector<ListenConfig>& now);

}  // namespace culvert
