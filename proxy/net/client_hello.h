#pragma once

#include <string>

#include "base/host_port.h"

namespace culvert {

/// The record with which a TLS client of today's OpenSSL begins a connection to `host`, and which
/// names it (SNI), unless it is an address (RFC 6066 section 3).  Different each time.  Empty if
/// OpenSSL fails.
std::string make_client_hello(const HostPort& host);

}  // namespace culvert
