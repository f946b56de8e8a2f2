#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/port_mark.h"
#include "config/config.h"

namespace culvert {

/// The upstream of a command that has it, where no other has it.
inline constexpr std::string_view kTunnelUpstream = "tunnel=socks5://127.0.0.1:{port}";

/// Whether the port is to be put into `command`.  "${port}" is a variable of the shell.
bool has_port_mark(std::string_view command);

/// `command` with `port` in the place of each mark.
std::string with_port(std::string_view command, std::uint16_t port);

/// `upstream`, which has a tunnel, is reached at `port`.
void set_tunnel_port(UpstreamConfig& upstream, std::uint16_t port);

}  // namespace culvert
