#pragma once

#include <span>
#include <string>
#include <vector>

#include "setup/plan.h"

namespace culvert {

enum class SetupWay { install, uninstall };

/// What apply() did.
struct Applied {
  std::vector<std::string> lines;     ///< "wrote /etc/npmrc", one for each file
  std::vector<std::string> problems;  ///< clauses; empty after a success
  bool changed = false;
};

/// Installs or uninstalls all files of `plans`, or none: if one cannot be written, those before it
/// are as they were.  Each is replaced atomically, and is on the disk when this returns.  A plan
/// with problems is not installed, nor is any other.  When uninstalling, a file that was changed by
/// hand is a problem, but the others go.
Applied apply(const SetupFacts& facts, std::span<const Plan> plans, SetupWay way);

/// What stands in the way of apply() as far as can be told without writing anything: clauses.
std::vector<std::string> find_write_problems(const SetupFacts& facts, std::span<const Plan> plans,
                                             SetupWay way);

}  // namespace culvert
