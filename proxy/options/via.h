#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "options/broken_upstreams.h"

namespace culvert {

/// Sets via_index of each upstream that has `via`.  Unknown names and cycles are appended to
/// `problems`, each beginning with the upstream's entry in `origins` ("--upstream").  A name that
/// may belong to one of the `broken` is not unknown.
void resolve_via(std::vector<UpstreamConfig>& upstreams, const std::vector<std::string>& origins,
                 const BrokenUpstreams& broken, std::vector<std::string>& problems);

}  // namespace culvert
