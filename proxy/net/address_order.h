#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/ip_address.h"

namespace culvert {

/// This machine's address from which `destination` would be reached; nullopt if there is no route.
std::optional<IpAddress> source_address_for(const IpAddress& destination);

using SourceOf = std::function<std::optional<IpAddress>(const IpAddress&)>;

/// `addresses` in the order in which to try them, by RFC 6724 section 6, rules 1, 2, 5, 6 and 8,
/// with the tables of glibc; otherwise they keep their order.  `source_of` is as above.
std::vector<IpAddress> in_order(const std::vector<IpAddress>& addresses, bool ipv4_first,
                                const SourceOf& source_of);

}  // namespace culvert
