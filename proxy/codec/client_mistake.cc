#include "codec/client_mistake.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "base/text.h"
#include "codec/foreign_answer.h"
#include "codec/protocol_guess.h"
#include "codec/proxy_protocol.h"

namespace culvert {

namespace {

constexpr std::string_view kSshOpening = "SSH-";
constexpr std::string_view kHttp2Opening = "PRI * HTTP/2.0";
// Those of more than a byte.
constexpr std::array kOpenings = {kSshOpening, kHttp2Opening, kProxyLineOpening,
                                  kProxyBinaryOpening};

ClientMistake other_protocol(std::string text) {
  return {{Errc::http_request_error, Side::client, 0, std::move(text)}, {}};
}

ClientMistake began_tls() {
  ClientMistake found = other_protocol(
      "the client began TLS on a plain HTTP proxy port - write http://, not https://, before the "
      "proxy's address in https_proxy");
  found.answer = tls_alert();
  return found;
}

ClientMistake began_http2() {
  ClientMistake found = other_protocol(
      "the client spoke HTTP/2 to the proxy itself - HTTP/2 works inside a CONNECT tunnel");
  found.error.code = Errc::version_not_supported;
  found.answer = http2_goaway(found.error.text);
  return found;
}

ClientMistake began_ssh() {
  ClientMistake found = other_protocol(
      "the client spoke SSH to a proxy port - ssh goes through it with ProxyCommand 'nc -X 5 -x "
      "ADDRESS:PORT %h %p'");
  found.answer = ssh_disconnect(found.error.text);
  return found;
}

}  // namespace

std::optional<ClientMistake> client_mistake(std::string_view first_bytes) {
  if (first_bytes.empty()) return std::nullopt;
  switch (first_bytes[0]) {
    case 0x16:  // a TLS handshake record
      return began_tls();
    case 0x05:
    case 0x04:
      return other_protocol(
          "the client spoke SOCKS to an HTTP proxy port - write http:// before the proxy's "
          "address");
    case 'S':
      if (first_bytes.starts_with(kSshOpening)) return began_ssh();
      return std::nullopt;
    case 'P':
    case '\r':
      break;
    default:
      return std::nullopt;
  }
  if (guess_protocol(first_bytes) == kProxyProtocol) {
    return other_protocol(
        "a PROXY protocol header came before the request - take it with --listen "
        "ADDR:PORT?proxy-protocol=on, or switch it off in the load balancer (haproxy's "
        "send-proxy)");
  }
  if (first_bytes.starts_with(kHttp2Opening)) return began_http2();
  return std::nullopt;
}

bool may_become_mistake(std::string_view first_bytes) {
  return std::any_of(kOpenings.begin(), kOpenings.end(), [&](std::string_view opening) {
    return first_bytes.size() < opening.size() && opening.starts_with(first_bytes);
  });
}

ClientMistake socks_is_not_served(char version, std::string_view scheme) {
  constexpr std::string_view kNoMethod("\5\xff", 2);  // RFC 1928 section 3
  constexpr std::string_view kRejected4("\0\x5b\0\0\0\0\0\0", 8);
  const std::string_view write = scheme == "https://" ? scheme : "http://";
  ClientMistake found = other_protocol(concat(
      {"the client spoke SOCKS to ", write == scheme ? "a TLS" : "an HTTP", " proxy port - write ",
       write, " before the proxy's address; SOCKS is served on a --listen without ", scheme}));
  found.answer = version == '\5' ? kNoMethod : kRejected4;
  return found;
}

Error url_is_missing(const HostPort& server) {
  constexpr std::size_t kMostOfHost = 36;
  std::string url = "http://";
  url += server.ip && !server.ip->is_v4() ? "[" + server.host + "]"
                                          : shorten_middle(server.host, kMostOfHost);
  if (server.port != kHttpPort) url += ":" + std::to_string(server.port);
  return {Errc::http_request_error, Side::client, 0,
          "this is a proxy, not a web server: send the absolute URL, " + url +
              "/... (PHP: request_fulluri), or set it as http_proxy"};
}

}  // namespace culvert
