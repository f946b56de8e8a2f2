#pragma once

#include <memory>

#include "base/ip_address.h"
#include "net/tcp_stream.h"

namespace culvert {

/// Begins a connection to `address`.  Its progress is the stream's connect_result(); an immediate
/// failure is returned as nullptr and `error` (errno).
std::unique_ptr<TcpStream> begin_connect(Loop& loop, const IpAddress& address, std::uint16_t port,
                                         int& error);

/// Keepalive every 30 s on `fd` and Nagle off: quiet tunnels live, dead peers are found.  Sockets
/// accepted from a listener inherit this from it.
void set_tunnel_options(int fd);

}  // namespace culvert
