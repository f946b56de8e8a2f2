#pragma once

#include <string>
#include <vector>

#include "net/passed_sockets.h"

namespace culvert {

/// A service manager addresses some variables to the process that it starts, by its number
/// (sd_listen_fds(3), sd_watchdog_enabled(3)).  Returns `variables` (each NAME=VALUE) for a child
/// of that process, as if the child was meant: those with the number `own_pid` have `child_pid`,
/// and the ones for `sockets`, which our start has taken out, are there again.
std::vector<std::string> service_variables(std::vector<std::string> variables,
                                           const std::vector<PassedSocket>& sockets, int own_pid,
                                           int child_pid);

}  // namespace culvert
