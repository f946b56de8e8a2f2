#pragma once

#include <sys/socket.h>

#include <optional>
#include <string_view>

#include "base/host_port.h"

namespace culvert {

/// An address in the form that system calls take.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  static SocketAddress of(const IpAddress& address, std::uint16_t port);
  /// Of a unix socket with a file; nullopt if no unix socket can have so long a path.
  static std::optional<SocketAddress> of_path(std::string_view path);
  /// Of a unix socket with an abstract name (unix(7)), without the NUL before it; nullopt as above.
  static std::optional<SocketAddress> of_abstract(std::string_view name);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// The address and port in `address`; nullopt for other families than IPv4 and IPv6.
std::optional<HostPort> host_port_of(const sockaddr_storage& address);
/// The same; the length follows from the family of `address`.
std::optional<HostPort> host_port_of(const sockaddr& address);

}  // namespace culvert
