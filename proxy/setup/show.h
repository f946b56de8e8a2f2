#pragma once

#include <string>

#include "setup/apply.h"
#include "setup/plan.h"

namespace culvert {

/// What the plan would write, where, what must be run then, and what is worth knowing.  What may be
/// a password is hidden, here and in the difference.
std::string show_plan(const SetupFacts& facts, const Plan& plan);

/// As a unified diff, for `patch -p1 -d ROOT`; empty if nothing would change.
std::string show_difference(const Plan& plan, SetupWay way);

/// What has to be run after it; empty for another root than the live one, or if there is nothing.
std::string show_then_run(const SetupFacts& facts, const Plan& plan, SetupWay way);

}  // namespace culvert
