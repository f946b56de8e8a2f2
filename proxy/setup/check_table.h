#pragma once

#include <span>
#include <string>
#include <vector>

#include "host/listening.h"
#include "setup/plan.h"

namespace culvert {

/// `setup --check`: who uses which proxy.
struct CheckTable {
  std::string text;
  bool right = true;  ///< all that is installed uses culvert
};

/// Of what is installed, or of `targets` if there are any.  Of the live root the running processes
/// are looked at, too.  `options` are those of the command that would mend it: " --root /mnt".
CheckTable check_table(const SetupFacts& facts, std::span<const std::string> targets,
                       const std::vector<RunningCulvert>& culverts, const std::string& options);

}  // namespace culvert
