#pragma once

#include "options/command_line.h"

namespace culvert {

/// `culvert check --route URL...`: prints the rule that chooses the route of each URL, and its
/// upstreams. The exit status is 0.
int check_route(const RouteQuestion& question);

}  // namespace culvert
