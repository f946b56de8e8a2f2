#pragma once

#include "setup/plan.h"

namespace culvert {

/// Adds to the plan what its program will make of its files once the first of the plan is
/// installed: who wins nevertheless (Plan::rivals), and the exceptions.
void note_rivals(const SetupFacts& facts, Plan& plan);

}  // namespace culvert
