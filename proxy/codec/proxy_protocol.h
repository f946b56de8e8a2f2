#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/connection_ends.h"
#include "base/result.h"

namespace culvert {

/// The header by which a load balancer tells whose connection it passes on, before any other byte:
/// haproxy's doc/proxy-protocol.txt.

/// Section 2.1: a line.
inline constexpr std::string_view kProxyLineOpening = "PROXY ";
/// Section 2.2: 12 bytes that begin a binary header.
inline constexpr std::string_view kProxyBinaryOpening{"\r\n\r\n\0\r\nQUIT\n", 12};

/// Reads the header at the beginning of `received` into `ends`, and returns its length, or nullopt
/// as long as it is not there as a whole.  At most 107 bytes of version 1, 16 and 4,096 of version
/// 2.
///
/// `ends` stays empty if the balancer speaks for itself, as its health checks do (LOCAL), or does
/// not say for whom (UNKNOWN, AF_UNSPEC, AF_UNIX): the connection's own ends are the client's then.
///
/// The error is Errc::http_request_error, side client.  A checksum is checked if there is one
/// (section 2.2.3), other TLVs are passed over; a datagram's header is refused.
Result<std::optional<std::size_t>> read_proxy_header(std::string_view received,
                                                     ConnectionEnds& ends);

/// Whether `received` begins as a header does, as far as it goes.
bool may_be_proxy_header(std::string_view received);

/// The header for a connection that is made for a client.  nullptr: it is our own.  If an end is
/// not known, as of a client of a unix socket, it says as little.
std::string make_proxy_header(ProxyVersion version, const ConnectionEnds* ends);

}  // namespace culvert
