#pragma once

#include <string>
#include <vector>

#include "admin/survey.h"
#include "server/upstream_facts.h"

namespace culvert {

/// Why new clients had better go elsewhere: it drains, or every upstream of the default route is
/// known to be down.  A sentence; empty: it is ready.
std::string not_ready_reason(const Survey& survey, const std::vector<UpstreamFacts>& upstreams);

/// Which workers' loops do not turn.  A sentence; empty: all do.
std::string unhealthy_reason(const Survey& survey);

}  // namespace culvert
