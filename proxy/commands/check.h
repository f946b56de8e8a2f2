#pragma once

#include "options/check_options.h"
#include "options/command_line.h"

namespace culvert {

/// `culvert check --route URL...`: prints the rule that chooses the route of each URL, and its
/// upstreams. The exit status is 0.
int check_route(const RouteQuestion& question);

/// `culvert check [URL|IMAGE...]`: walks the way of a request to each target and prints each step.
/// The exit status: 0 all well, 1 something failed.
int check(const CheckOptions& options);

}  // namespace culvert
