#include "policy/load_balancers.h"

#include <algorithm>

namespace culvert {

bool is_load_balancer(const std::vector<Cidr>& listed, const std::optional<IpAddress>& peer) {
  if (!peer) return true;
  if (listed.empty()) return peer->is_loopback();
  return std::any_of(listed.begin(), listed.end(),
                     [&](const Cidr& block) { return block.contains(*peer); });
}

std::optional<SocketEnd> named_client(const std::optional<SocketEnd>& named,
                                      const std::optional<IpAddress>& peer) {
  const bool shares_our_host = !peer || peer->is_loopback();
  if (!named || (named->ip.is_loopback() && !shares_our_host)) return std::nullopt;
  return named;
}

}  // namespace culvert
