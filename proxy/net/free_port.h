#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace culvert {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
};

/// Where to look for a port: outside of `local_port_range` (ip_local_port_range), from which the
/// kernel takes the ports of connections, if there is room.
PortRange range_of_free_ports(std::string_view local_port_range);

/// A port of 127.0.0.1 that nobody has and that is none of `except`.  0: there is none.
std::uint16_t find_free_port(std::span<const std::uint16_t> except);

/// Whether somebody listens at 127.0.0.1:`port`.
bool is_listened_at(std::uint16_t port);

}  // namespace culvert
