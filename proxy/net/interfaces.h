#pragma once

#include <vector>

#include "base/ip_address.h"

namespace culvert {

/// The addresses of this machine's interfaces, as of now; empty if the system does not tell.
std::vector<IpAddress> interface_addresses();

}  // namespace culvert
