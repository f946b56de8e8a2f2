#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/host_port.h"

namespace culvert {

/// Whether a program on this machine has a connection to one of these addresses of it, or is making
/// one.  True also if the system does not say.
bool has_local_clients(const std::vector<HostPort>& listeners);

/// The same for one port and the text of /proc/net/tcp (proc(5)).  A connection that its program
/// has closed, and which the system only winds up, does not count.
bool table_has_client(std::string_view table, std::uint16_t port);

}  // namespace culvert
