#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// What protocols are called.  SOCKS4a is SOCKS4, as its answers are the same, and HTTPS is TLS.
inline constexpr std::string_view kHttpName = "HTTP";
inline constexpr std::string_view kTlsName = "TLS";
inline constexpr std::string_view kSocks5Name = "SOCKS5";
inline constexpr std::string_view kSocks4Name = "SOCKS4";
inline constexpr std::string_view kSshName = "SSH";
/// That of a load balancer, which tells a server who its client is.
inline constexpr std::string_view kProxyProtocol = "the PROXY protocol";

/// The protocol that a peer's first bytes belong to, by one of the names above (HTTP and SOCKS4 by
/// an answer); empty if none is recognised.  For messages that name a mistaken port or scheme;
/// nothing else may depend on it.
std::string_view guess_protocol(std::string_view first_bytes);

/// `first_bytes` are too few to recognise one of the protocols that begin with text.
bool may_become_known(std::string_view first_bytes);

/// The error clause for a peer that should reply in HTTP and begins with `first_bytes`, to follow
/// its name; empty if it begins as HTTP does, or still may.
std::string why_not_http(std::string_view first_bytes);

/// The same for a peer that should speak TLS.
std::string why_not_tls(std::string_view first_bytes);

/// The error clause for an upstream's proxy that should speak `expected` and speaks `spoken`, both
/// as guess_protocol() names them: "answers in SOCKS5, not in HTTP - write socks5://".
std::string other_protocol_clause(std::string_view expected, std::string_view spoken);

}  // namespace culvert
