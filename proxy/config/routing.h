#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/settings.h"
#include "policy/router.h"

namespace culvert {

/// Reads `--route` and `--no-proxy` into `config`, whose upstreams are known already.  Where
/// `direct` is used and no upstream is, one is added that the default route leaves out.
/// `complete` is false if upstreams are missing because they had problems of their own; then
/// unknown names are no problem.
void read_routing(const Settings& settings, bool complete, Config& config,
                  std::vector<std::string>& problems);

/// The Router that `config` asks for.
Router make_router(const Config& config);

}  // namespace culvert
