#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace culvert {

struct InterfaceAddress {
  std::string interface;
  IpAddress address;
};

/// All of this machine; empty where a sandbox hides them.
std::vector<InterfaceAddress> interface_addresses();

/// At which address containers reach this machine: docker0's, which those of other networks of
/// Docker reach as well; else that of another bridge for containers.  nullopt: there is none.
std::optional<InterfaceAddress> choose_bridge(const std::vector<InterfaceAddress>& addresses);

}  // namespace culvert
