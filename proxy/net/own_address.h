#pragma once

#include "base/ip_address.h"

namespace culvert {

/// Is this one of this machine's addresses, at this moment?  Tried by binding a socket to it, which
/// needs no right and works where a sandbox hides the interfaces.  Yes if that cannot be tried.
bool is_own_address(const IpAddress& address);

}  // namespace culvert
