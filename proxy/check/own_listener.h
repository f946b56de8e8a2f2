#pragma once

#include <optional>
#include <string>

#include "base/host_port.h"
#include "config/config.h"

namespace culvert {

/// Where clients reach `culvert serve` with this configuration: 127.0.0.1:3128 by default; nullopt
/// if it listens only where no proxy variable can point.
std::optional<HostPort> listener_address(const Config& config);

/// The address that clients of this machine should have: that of the configuration, but where this
/// says nothing, of the culvert that runs at `running_url`.
HostPort client_address(const Config& config, const std::string& running_url);

}  // namespace culvert
