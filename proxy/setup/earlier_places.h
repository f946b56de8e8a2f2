#pragma once

#include <span>
#include <vector>

#include "setup/plan.h"
#include "setup/targets.h"

namespace culvert {

/// Whose files an earlier installation may have been for, as HOME, XDG_CONFIG_HOME, DOCKER_CONFIG
/// and sudo may have been others: beside the user of now, the same without these variables, and
/// whom the list of users names.
std::vector<SetupUser> earlier_users(const SetupFacts& facts);

/// Adds to `plan`, of `target`, what is installed for any of `users`; where nothing is installed at
/// all, every file that was looked for.
void add_earlier_places(const SetupFacts& facts, const TargetPlan& target,
                        std::span<const SetupUser> users, Plan& plan);

}  // namespace culvert
