#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "options/setup_options.h"
#include "setup/plan.h"

namespace culvert {

/// What the plans of `culvert setup` depend on, of the system below `root`.
SetupFacts facts_of(const SetupOptions& options, std::string root);

/// Why culvert cannot serve with the certificates of `listen`.  Files that this user cannot read
/// are not judged, and those that are not there only of the live system.
std::vector<std::string> certificate_problems(const ListenConfig& listen, const SetupFacts& facts);

/// This machine's address for containers.
void add_bridge(SetupFacts& facts);

}  // namespace culvert
