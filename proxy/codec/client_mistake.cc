#include "codec/client_mistake.h"

#include <cstddef>
#include <string>

#include "base/text.h"
#include "codec/protocol_guess.h"

namespace culvert {

std::optional<Error> client_mistake(std::string_view first_bytes) {
  if (first_bytes.empty()) return std::nullopt;
  const auto mistake = [](Errc code, const char* text) {
    return Error{code, Side::client, 0, text};
  };
  switch (first_bytes[0]) {
    case 0x16:  // a TLS handshake record
      return mistake(Errc::http_request_error,
                     "the client began TLS on a plain HTTP proxy port - write http://, not "
                     "https://, before the proxy's address in https_proxy");
    case 0x05:
    case 0x04:
      return mistake(Errc::http_request_error,
                     "the client spoke SOCKS to an HTTP proxy port - write http:// before the "
                     "proxy's address");
    case 'P':
    case '\r':
      break;
    default:
      return std::nullopt;
  }
  if (guess_protocol(first_bytes) == kProxyProtocol) {
    return mistake(Errc::http_request_error,
                   "a PROXY protocol header came before the request - take it with --listen "
                   "ADDR:PORT?proxy-protocol=on, or switch it off in the load balancer (haproxy's "
                   "send-proxy)");
  }
  if (first_bytes.substr(0, 14) == "PRI * HTTP/2.0") {
    return mistake(Errc::version_not_supported,
                   "the client spoke HTTP/2 to the proxy itself - HTTP/2 works inside a CONNECT "
                   "tunnel");
  }
  return std::nullopt;
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
