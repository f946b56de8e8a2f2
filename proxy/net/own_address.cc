#include "net/own_address.h"

#include <ifaddrs.h>
#include <unistd.h>

#include <memory>

#include "net/socket_address.h"

namespace culvert {
namespace {

bool can_be_bound(const IpAddress& address) {
  const SocketAddress raw = SocketAddress::of(address, 0);
  const int fd = socket(raw.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return true;
  const bool bound = bind(fd, raw.get(), raw.size) == 0;
  close(fd);
  return bound;
}

}  // namespace

bool is_own_address(const IpAddress& address) {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return can_be_bound(address);
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const auto own = host_port_of(*entry->ifa_addr);
    if (own && *own->ip == address) return true;
  }
  return address.is_loopback();  // which is more than the interface's one
}

}  // namespace culvert
