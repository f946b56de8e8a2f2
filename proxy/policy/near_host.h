#pragma once

#include "base/host_port.h"

namespace culvert {

/// Seems to be near, where a proxy's far end does not reach it: loopback, an address of a private
/// network, a name without a dot or of a private domain.
bool seems_near(const HostPort& host);

}  // namespace culvert
