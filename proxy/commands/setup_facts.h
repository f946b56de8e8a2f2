#pragma once

#include <string>

#include "options/setup_options.h"
#include "setup/plan.h"

namespace culvert {

/// What the plans of `culvert setup` depend on, of the system below `root`.
SetupFacts facts_of(const SetupOptions& options, std::string root);

/// This machine's address for containers.
void add_bridge(SetupFacts& facts);

}  // namespace culvert
