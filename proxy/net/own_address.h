#pragma once

#include "base/ip_address.h"

namespace culvert {

/// Is this one of this machine's addresses, at this moment?  Where a sandbox hides the interfaces,
/// one to which a socket can be bound; true if not even that can be tried.
bool is_own_address(const IpAddress& address);

}  // namespace culvert
