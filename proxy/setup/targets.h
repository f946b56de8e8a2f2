#pragma once

#include <span>
#include <string_view>

#include "setup/plan.h"

namespace culvert {

struct TargetPlan {
  std::string_view name;
  Plan (*plan)(const SetupFacts& facts);
};

/// In the order in which they are shown.
std::span<const TargetPlan> setup_targets();
/// nullptr if there is none of this name.
const TargetPlan* find_setup_target(std::string_view name);

}  // namespace culvert
