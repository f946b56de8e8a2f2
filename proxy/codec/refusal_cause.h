#pragma once

#include <optional>
#include <string>

#include "codec/http_head.h"

namespace culvert {

/// What a proxy that refuses CONNECT tells outside of its reason phrase.  These texts repeat what
/// it sent, unprintable bytes and credentials included.

/// The cause that a field names: Proxy-Status (RFC 9209), or one that is a vendor's own (squid's
/// X-Squid-Error, tor's Tor-Request-Failed).  Empty if there is none.
std::string cause_in_fields(const ResponseHead& head);

/// Where a redirect leads: the host of its Location, and the port if that is given, but nothing
/// that may hold a secret.  "" for a Location on the proxy itself; nullopt if there is none, or it
/// names no valid host.
std::optional<std::string> redirect_place(const ResponseHead& head);

/// The time of Retry-After (RFC 9110 section 10.2.3): "in 120 s", "after Sun, 29 ...".  Empty if
/// there is none.
std::string retry_time(const ResponseHead& head);

}  // namespace culvert
