#include "net/own_end.h"

#include "net/socket_address.h"

namespace culvert {

std::optional<SocketEnd> own_end(int fd) {
  SocketAddress own;
  own.size = sizeof own.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&own.storage), &own.size) != 0) return {};
  const auto address = host_port_of(own.storage);
  if (!address) return std::nullopt;
  return SocketEnd{*address->ip, address->port};
}

}  // namespace culvert
