#pragma once

#include <string>
#include <vector>

#include "base/host_port.h"

namespace culvert {

/// The targets of `culvert check`: URLs and HOST[:PORT]s, with port 443 by default.  Each problem
/// is appended to `problems`.
std::vector<HostPort> parse_check_targets(const std::vector<std::string>& texts,
                                          std::vector<std::string>& problems);

}  // namespace culvert
