#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace culvert {

/// Sets via_index of each upstream that has `via`.  Unknown names and cycles are appended to
/// `problems`, each beginning with the upstream's entry in `origins` ("--upstream").
void resolve_via(std::vector<UpstreamConfig>& upstreams, const std::vector<std::string>& origins,
                 std::vector<std::string>& problems);

}  // namespace culvert
