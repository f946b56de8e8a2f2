#pragma once

#include <string>
#include <vector>

#include "base/host_port.h"

namespace culvert {

/// What `culvert check` is asked about: URLs and HOST[:PORT]s, whose port is 443 where nothing
/// tells.  Each problem is appended to `problems`.
std::vector<HostPort> parse_check_targets(const std::vector<std::string>& texts,
                                          std::vector<std::string>& problems);

}  // namespace culvert
