#include "net/socket_address.h"

#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace culvert {

SocketAddress SocketAddress::of(const IpAddress& address, std::uint16_t port) {
  SocketAddress out;
  if (address.is_v4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes(), 4);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes(), 16);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

std::optional<HostPort> host_port_of(const sockaddr& address) {
  sockaddr_storage storage{};
  if (address.sa_family == AF_INET) {
    std::memcpy(&storage, &address, sizeof(sockaddr_in));
  } else if (address.sa_family == AF_INET6) {
    std::memcpy(&storage, &address, sizeof(sockaddr_in6));
  }
  return host_port_of(storage);
}

std::optional<HostPort> host_port_of(const sockaddr_storage& address) {
  HostPort out;
  if (address.ss_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    out.ip = IpAddress::v4(bytes);
    out.port = ntohs(v4.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    out.ip = IpAddress::v6(bytes).unmapped();
    out.port = ntohs(v6.sin6_port);
  } else {
    return std::nullopt;
  }
  out.host = out.ip->to_string();
  return out;
}

}  // namespace culvert
