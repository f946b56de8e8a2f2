#pragma once

#include "options/command_line.h"

namespace culvert {

/// `culvert check --route URL...`: prints the rule that chooses the way to each URL, and the way.
/// The exit status is 0.
int check_route(const RouteQuestion& question);

}  // namespace culvert
