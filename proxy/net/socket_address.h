#pragma once

#include <sys/socket.h>

#include "base/host_port.h"

namespace culvert {

/// An address in the form that system calls take.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static SocketAddress of(const IpAddress& address, std::uint16_t port);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// The address and port in `address`; nullopt for other families than IPv4 and IPv6.
std::optional<HostPort> host_port_of(const sockaddr_storage& address);
/// The same; the length follows from the family of `address`.
std::optional<HostPort> host_port_of(const sockaddr& address);

}  // namespace culvert
