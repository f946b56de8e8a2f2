#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/listening.h"
#include "setup/plan.h"

namespace culvert {

/// A line of `setup --check` about what is culvert's own: its service, and caches' names.
struct OwnState {
  std::string who;
  std::string has;
  std::string right;  ///< "yes", "no", or "-": it does not matter
  std::string from;   ///< a file; empty: none
  std::string cause;
  std::string fix;
};

/// Of the target "systemd" or "cache"; none for others.  What was never installed is a fault only
/// if it was `asked` for.  `options` are those of the command that would mend it.
std::vector<OwnState> own_states(const SetupFacts& facts, std::string_view target,
                                 const std::vector<RunningCulvert>& culverts, bool asked,
                                 const std::string& options);

}  // namespace culvert
