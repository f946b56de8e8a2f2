#pragma once

#include <span>
#include <string>
#include <string_view>

#include "setup/plan.h"
#include "setup/variables.h"

namespace culvert {

/// A sentence about hosts that the target's files leave out by NO_PROXY, or did before ours counted
/// more, and that `list` does not name; empty if there are none.  `files` are those of its plan.
std::string direct_hosts_lost(const SetupFacts& facts, std::string_view target,
                              std::span<const FileEdit> files, std::string_view list);

/// Says it of the list that the plan would have written, if --no-proxy does not say which.
void note_direct_hosts(const SetupFacts& facts, Neighbours neighbours, Plan& plan);

}  // namespace culvert
