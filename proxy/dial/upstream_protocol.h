#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/host_port.h"
#include "codec/handshake.h"
#include "config/config.h"
#include "dial/dial_outcome.h"

namespace culvert {

/// What differs between kinds of upstreams when connecting.  No other file branches on the kind.
struct UpstreamProtocol {
  bool has_proxy = true;             ///< false: the target itself is connected to
  bool uses_tls = false;             ///< between us and the proxy
  bool takes_absolute_form = false;  ///< plain HTTP requests go to the proxy itself
  bool ipv4_only = false;            ///< of addresses; it takes names as well
  bool passes_via_on = false;        ///< our own Via comes back if the proxy leads to us
  bool has_greeting = false;         ///< the proxy replies first to what names no target
};

constexpr UpstreamProtocol protocol_of(UpstreamConfig::Kind kind) {
  using Kind = UpstreamConfig::Kind;
  return {
      .has_proxy = kind != Kind::direct,
      .uses_tls = kind == Kind::https,
      .takes_absolute_form = kind == Kind::http || kind == Kind::https,
      .ipv4_only = kind == Kind::socks4a,
      .passes_via_on = kind == Kind::http || kind == Kind::https,
      .has_greeting = kind == Kind::socks5,
  };
}

inline UpstreamProtocol protocol_of(const UpstreamConfig& upstream) {
  return protocol_of(upstream.kind);
}

/// The stream is for plain requests, and these go to the proxy itself: no handshake for a target.
inline bool forwards_to_proxy(const UpstreamConfig& upstream, DialPurpose purpose) {
  const bool forward = purpose == DialPurpose::forward || purpose == DialPurpose::forward_again;
  return forward && protocol_of(upstream).takes_absolute_form;
}

/// Which part of the handshake with the proxy is done on a connection.
enum class HandshakePart : std::uint8_t {
  whole,
  greeting,  ///< all that needs no target, for a pooled connection
  request,   ///< the rest, on such a connection
};

/// The handshake with the upstream's proxy after TCP and TLS; nullptr if there is none.
/// `pseudonym` is our name in Via.
std::unique_ptr<Handshake> make_handshake(const UpstreamConfig& upstream, HandshakePart part,
                                          const HostPort& target, std::string_view pseudonym);

/// What precedes every other byte on a connection to the upstream: `?proxy-protocol`, or nothing.
/// `ends` are the client's; nullptr: the connection is our own.
std::string proxy_header(const UpstreamConfig& upstream, const ConnectionEnds* ends = nullptr);

/// What the upstream's proxy speaks first, as guess_protocol() names it.
std::string_view spoken_protocol(const UpstreamConfig& upstream);

/// The first bytes of a protocol, which name no target.
struct ProxyOpening {
  std::string_view protocol;  ///< as guess_protocol() names it
  std::string_view bytes;
};

/// What a proxy that does not reply in the upstream's protocol may reply to instead.
std::span<const ProxyOpening> other_openings(const UpstreamConfig& upstream);

/// The question whether the URL names the right protocol, to end a sentence about a proxy that was
/// silent in `phase` or has `ended` the connection: " - is it a SOCKS5 proxy?".  May be empty.
std::string_view protocol_question(const UpstreamConfig& upstream, DialPhase phase, bool ended);

/// Why the upstream's protocol cannot express `target`; nullopt if it can.
std::optional<HandshakeFailure> cannot_request(const HostPort& target,
                                               const UpstreamConfig& upstream);

}  // namespace culvert
