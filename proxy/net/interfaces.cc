#include "net/interfaces.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>

#include "net/socket_address.h"

namespace culvert {

std::vector<IpAddress> interface_addresses() {
  std::vector<IpAddress> out;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return out;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    const auto family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ifa_addr,
                family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (const auto address = host_port_of(storage)) out.push_back(*address->ip);
  }
  freeifaddrs(list);
  return out;
}

}  // namespace culvert
