#pragma once

#include "setup/plan.h"

namespace culvert {

// Programs that read their proxy from a file of their own, each time they are started.

Plan plan_podman(const SetupFacts& facts);
Plan plan_apt(const SetupFacts& facts);
Plan plan_git(const SetupFacts& facts);
Plan plan_npm(const SetupFacts& facts);
Plan plan_shell(const SetupFacts& facts);

}  // namespace culvert
