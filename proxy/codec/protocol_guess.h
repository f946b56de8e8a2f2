#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The protocol that a peer's first bytes belong to: "HTTP" (an answer), "SSH", "TLS", "SOCKS5",
/// "SOCKS4" (an answer); empty if none is recognised.  For messages that name a mistaken port or
/// scheme; nothing else may depend on it.
std::string_view guess_protocol(std::string_view first_bytes);

/// `first_bytes` are too few to recognise "HTTP/" or "SSH-".
bool may_become_known(std::string_view first_bytes);

/// The error clause for a peer that should reply in HTTP and begins with `first_bytes`, to follow
/// its name; empty if it begins as HTTP does, or still may.
std::string why_not_http(std::string_view first_bytes);

}  // namespace culvert
