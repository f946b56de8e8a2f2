#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "options/broken_upstreams.h"
#include "options/settings.h"

namespace culvert {

/// Reads `--route` and `--no-proxy` into `config`, whose upstreams are known already.  Where
/// `direct` is used and no upstream is, one is added that the default route leaves out.
/// A name that may belong to one of the `broken` is not unknown.
void read_routing(const Settings& settings, const BrokenUpstreams& broken, Config& config,
                  std::vector<std::string>& problems);

}  // namespace culvert
