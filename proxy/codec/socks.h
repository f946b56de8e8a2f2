#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "base/host_port.h"
#include "base/secret.h"
#include "codec/handshake.h"

namespace culvert {

/// A SOCKS5 greeting that offers one method, no authentication (RFC 1928 section 3): asks whether
/// SOCKS5 is spoken.
inline constexpr std::string_view kSocksQuestion("\x05\x01\x00", 3);

/// SOCKS5 CONNECT (RFC 1928) with user/password (RFC 1929) if `credentials` are given.  Exactly one
/// method is offered; names are sent as ATYP 3, IP literals as ATYP 1 or 4.
std::unique_ptr<Handshake> make_socks5_handshake(const HostPort& target,
                                                 const std::optional<Credentials>& credentials);

/// The two parts of the same, for a connection that is pooled between them: all that needs no
/// target (the greeting, the authentication), and the request.
std::unique_ptr<Handshake> make_socks5_greeting(const std::optional<Credentials>& credentials);
std::unique_ptr<Handshake> make_socks5_request(const HostPort& target,
                                               const std::optional<Credentials>& credentials);

/// SOCKS4 with the 4A extension for names.  IPv6 literals cannot be expressed: check
/// socks4a_refuses() before.
std::unique_ptr<Handshake> make_socks4a_handshake(const HostPort& target, std::string_view user);

/// A failure if SOCKS4a cannot name `target` at all (an IPv6 literal).
std::optional<HandshakeFailure> socks4a_refuses(const HostPort& target);

}  // namespace culvert
