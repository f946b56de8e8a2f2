#pragma once

#include <string>
#include <vector>

#include "setup/plan.h"

namespace culvert {

/// Registries of the user's own, as NO_PROXY names them, each once and loopback not: the cache of
/// `setup cache`, of this run or an earlier one, and what docker's daemon.json has as
/// insecure-registries, if it seems_near().  The far end of a proxy does not reach them.
std::vector<std::string> near_registries(const SetupFacts& facts);

}  // namespace culvert
