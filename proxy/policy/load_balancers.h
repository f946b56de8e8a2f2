#pragma once

#include <optional>
#include <vector>

#include "base/connection_ends.h"

namespace culvert {

/// Whether who has connected to a listener with `?proxy-protocol=on` is one of `listed`
/// (`--load-balancer`), whose word about its clients is taken.  `peer` is nullopt for a unix
/// socket, where file permissions decide.  An empty list stands for the loopback addresses.
bool is_load_balancer(const std::vector<Cidr>& listed, const std::optional<IpAddress>& peer);

/// The client that the load balancer at `peer` names, as far as that counts here.  nullopt: the
/// balancer itself is taken for the client, as of a client on its own host, whose loopback address
/// is not ours unless both share it.
std::optional<SocketEnd> named_client(const std::optional<SocketEnd>& named,
                                      const std::optional<IpAddress>& peer);

}  // namespace culvert
