#include "dial/upstream_protocol.h"

#include "codec/http_connect.h"
#include "codec/socks.h"

namespace culvert {
namespace {

using Kind = UpstreamConfig::Kind;

std::unique_ptr<Handshake> make_socks5(HandshakePart part, const HostPort& target,
                                       const std::optional<Credentials>& credentials) {
  switch (part) {
    case HandshakePart::greeting:
      return make_socks5_greeting(credentials);
    case HandshakePart::request:
      return make_socks5_request(target, credentials);
    case HandshakePart::whole:
      break;
  }
  return make_socks5_handshake(target, credentials);
}

}  // namespace

std::unique_ptr<Handshake> make_handshake(const UpstreamConfig& upstream, HandshakePart part,
                                          const HostPort& target, std::string_view pseudonym) {
  const auto& credentials = upstream.credentials;
  if (upstream.kind == Kind::direct) return nullptr;
  if (upstream.kind == Kind::socks5) return make_socks5(part, target, credentials);
  // The others begin with the request.
  if (part == HandshakePart::greeting) return nullptr;
  if (upstream.kind == Kind::socks4a) {
    return make_socks4a_handshake(target, credentials ? std::string_view(credentials->user) : "");
  }
  return make_http_connect_handshake(target, credentials, pseudonym);
}

std::optional<HandshakeFailure> cannot_request(const HostPort& target,
                                               const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).ipv4_only) return std::nullopt;
  return socks4a_refuses(target);
}

}  // namespace culvert
