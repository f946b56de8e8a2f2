#pragma once

#include <string>

#include "setup/plan.h"

namespace culvert {

/// "20.10.24+dfsg1": of the package that the root has, or as dockerd itself says it if the root is
/// the live one.  Empty if neither tells.
std::string docker_engine_version(const SetupFacts& facts);

/// The number in front of the first '.'; 0 if there is none.
int major_version(const std::string& version);

}  // namespace culvert
