#pragma once

#include "setup/plan.h"

namespace culvert {

/// culvert's own service: its unit, the socket that systemd holds for it, and its configuration
/// file with the options of SetupFacts::service.
Plan plan_systemd(const SetupFacts& facts);

}  // namespace culvert
