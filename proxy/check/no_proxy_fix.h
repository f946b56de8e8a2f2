#pragma once

#include <string>

#include "base/host_port.h"
#include "config/config.h"

namespace culvert {

/// The --no-proxy by which `target` goes by the routes, instead of the one that takes it out before
/// them; empty if none does.  It counts for a variable and the lines of a file, too.
std::string no_proxy_fix(const Config& config, const HostPort& target);

}  // namespace culvert
