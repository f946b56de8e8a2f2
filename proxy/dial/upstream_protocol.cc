#include "dial/upstream_protocol.h"

#include <array>

#include "codec/http_connect.h"
#include "codec/protocol_guess.h"
#include "codec/proxy_protocol.h"
#include "codec/socks.h"

namespace culvert {
namespace {

using UpstreamKind = UpstreamConfig::Kind;

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
  if (upstream.kind == UpstreamKind::direct) return nullptr;
  if (upstream.kind == UpstreamKind::socks5) return make_socks5(part, target, credentials);
  // The others begin with the request.
  if (part == HandshakePart::greeting) return nullptr;
  if (upstream.kind == UpstreamKind::socks4a) {
    return make_socks4a_handshake(target, credentials ? std::string_view(credentials->user) : "");
  }
  return make_http_connect_handshake(target, credentials, pseudonym);
}

std::string proxy_header(const UpstreamConfig& upstream, const ConnectionEnds* ends) {
  return upstream.proxy_protocol ? make_proxy_header(*upstream.proxy_protocol, ends)
                                 : std::string();
}

std::string_view spoken_protocol(const UpstreamConfig& upstream) {
  switch (upstream.kind) {
    case UpstreamKind::direct:
      break;
    case UpstreamKind::socks5:
      return kSocks5Name;
    case UpstreamKind::socks4a:
      return kSocks4Name;
    case UpstreamKind::http:
      return kHttpName;
    case UpstreamKind::https:
      return kTlsName;
  }
  return {};
}

std::span<const ProxyOpening> other_openings(const UpstreamConfig& upstream) {
  using namespace std::string_view_literals;
  constexpr static ProxyOpening kHttp{kHttpName, "GET / HTTP/1.0\r\n\r\n"};
  constexpr static ProxyOpening kSocks5{kSocks5Name, kSocksQuestion};
  // A ClientHello of one byte, which a server of TLS rejects with an alert.
  constexpr static ProxyOpening kTls{kTlsName, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"sv};
  constexpr static std::array kForSocks5 = {kHttp, kTls};
  // Most proxies of SOCKS4a speak SOCKS5 as well, many HTTP.
  constexpr static std::array kForSocks4a = {kTls};
  constexpr static std::array kForHttp = {kSocks5, kTls};
  // HTTP would prove nothing, as many servers of TLS reject plain HTTP in plain HTTP.
  constexpr static std::array kForHttps = {kSocks5};
  switch (upstream.kind) {
    case UpstreamKind::direct:
      break;
    case UpstreamKind::socks5:
      return kForSocks5;
    case UpstreamKind::socks4a:
      return kForSocks4a;
    case UpstreamKind::http:
      return kForHttp;
    case UpstreamKind::https:
      return kForHttps;
  }
  return {};
}

std::string_view protocol_question(const UpstreamConfig& upstream, DialPhase phase, bool ended) {
  switch (upstream.kind) {
    case UpstreamKind::direct:
      break;
    case UpstreamKind::socks5:
      if (phase != DialPhase::greeting || ended) break;
      return " - is it a SOCKS5 proxy? (an HTTP proxy would wait like this)";
    case UpstreamKind::socks4a:
      if (phase != DialPhase::request || ended) break;
      return " - is it a SOCKS4a proxy? (an HTTP proxy would wait like this)";
    case UpstreamKind::http:
      if (phase != DialPhase::request) break;
      return ended ? " - is it an HTTP proxy? (ssh -D and TLS servers close like this)"
                   : " - is it an HTTP proxy?";
    case UpstreamKind::https:
      if (phase != DialPhase::tls) break;
      return " - does it speak TLS?";
  }
  return {};
}

std::optional<HandshakeFailure> cannot_request(const HostPort& target,
                                               const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).ipv4_only) return std::nullopt;
  return socks4a_refuses(target);
}

}  // namespace culvert
