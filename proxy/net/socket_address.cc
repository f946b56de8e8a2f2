#include "net/socket_address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace culvert {
namespace {

/// `before` bytes of zeros come before `name`, `after` follow it.
std::optional<SocketAddress> unix_address(std::size_t before, std::string_view name,
                                          std::size_t after) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::size_t size = before + name.size() + after;
  if (size > sizeof address.sun_path) return std::nullopt;
  std::copy(name.begin(), name.end(), address.sun_path + before);
  SocketAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size);
  return out;
}

}  // namespace

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

std::optional<SocketAddress> SocketAddress::of_path(std::string_view path) {
  return unix_address(0, path, 1);
}

std::optional<SocketAddress> SocketAddress::of_abstract(std::string_view name) {
  return unix_address(1, name, 0);
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
