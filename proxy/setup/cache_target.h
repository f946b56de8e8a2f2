#pragma once

#include <string>
#include <vector>

#include "setup/plan.h"

namespace culvert {

/// `setup cache HOST:PORT --registry REGISTRY`: pulls of the registry's images go through a cache,
/// by the registry's name.  Without a registry, all files that an earlier run wrote.
Plan plan_cache(const SetupFacts& facts);

/// HOST:PORT of each cache that an earlier run has named.
std::vector<std::string> installed_caches(const SetupFacts& facts);

/// Why containerd does not read the caches' names for Kubernetes, with the lines that are missing
/// in its config.toml; empty if it does.
std::string missing_config_path(const SetupFacts& facts);

}  // namespace culvert
