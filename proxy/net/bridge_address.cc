#include "net/bridge_address.h"

#include <ifaddrs.h>

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>

#include "net/socket_address.h"

namespace culvert {
namespace {

/// The best first.  "br-" begins the names of the networks that `docker network create`, and kind,
/// make.
constexpr auto kBridges =
    std::to_array<std::string_view>({"docker0", "podman", "cni-podman", "br-", "cni0"});

std::size_t rank_of_bridge(std::string_view name) {
  std::size_t rank = 0;
  while (rank < kBridges.size() && !name.starts_with(kBridges[rank])) ++rank;
  return rank;
}

}  // namespace

std::vector<InterfaceAddress> interface_addresses() {
  std::vector<InterfaceAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (const auto own = host_port_of(*entry->ifa_addr)) {
      addresses.push_back({entry->ifa_name, *own->ip});
    }
  }
  return addresses;
}

std::optional<InterfaceAddress> choose_bridge(const std::vector<InterfaceAddress>& addresses) {
  const InterfaceAddress* best = nullptr;
  std::size_t best_rank = kBridges.size();
  for (const InterfaceAddress& entry : addresses) {
    const std::size_t rank = rank_of_bridge(entry.interface);
    if (!entry.address.is_v4() || rank >= best_rank) continue;
    best = &entry;
    best_rank = rank;
  }
  if (best == nullptr) return std::nullopt;
  return *best;
}

}  // namespace culvert
