#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "setup/plan.h"

namespace culvert {

inline constexpr std::string_view kServiceConfig = "/etc/culvert/culvert.toml";
inline constexpr std::string_view kServiceUnit = "/etc/systemd/system/culvert.service";
inline constexpr std::string_view kSocketUnit = "/etc/systemd/system/culvert.socket";

/// What the files of culvert's service say.
struct InstalledService {
  std::vector<std::string> listeners;  ///< of the socket unit, as --listen has them
  std::string bridge;                  ///< the address that --bridge added; empty: none
  /// culvert.toml as `setup systemd` wrote it, but with the paths that were given for files that
  /// systemd hands over.  Empty if it is not there, or not as it was written.
  std::string config;
};

InstalledService installed_service(const SetupFacts& facts);

}  // namespace culvert
