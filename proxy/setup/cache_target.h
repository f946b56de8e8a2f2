#pragma once

#include "setup/plan.h"

namespace culvert {

/// `setup cache HOST:PORT --registry REGISTRY`: pulls of the registry's images go through a cache,
/// by the registry's name.  Without a registry, all files that an earlier run wrote.
Plan plan_cache(const SetupFacts& facts);

}  // namespace culvert
