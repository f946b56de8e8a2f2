#include "base/error.h"

#include <array>
#include <cstddef>

namespace culvert {
namespace {

struct Row {
  Errc code;
  ErrcMeaning meaning;
};

// One row per Errc, in the order of the enumeration; the static_assert below keeps it so.  The
// third string is an error type that RFC 9209 section 2.3 registers, the nearest where none fits.
constexpr std::array kRows = {
    Row{Errc::http_request_error,
        {400, "http_request_error", "http_request_error",
         "Programs reach this proxy with http_proxy and https_proxy set to its URL."}},
    Row{Errc::http_request_too_large,
        {431, "http_request_too_large", "http_request_error",
         "Send fewer or smaller header fields."}},
    Row{Errc::http_uri_too_long,
        {414, "http_uri_too_long", "http_request_error", "Use a shorter URL."}},
    Row{Errc::http_request_timeout,
        {408, "http_request_timeout", "http_request_error",
         "The request came too slowly; --header-timeout sets how long we wait."}},
    Row{Errc::http_request_denied,
        {403, "http_request_denied", "http_request_denied",
         "The rules of this proxy forbid it; see --route and --allow-client."}},
    Row{Errc::proxy_auth_required,
        {407, "proxy_auth_required", "http_request_denied",
         "Put user and password into the proxy URL: http://user:password@host:port."}},
    Row{Errc::sign_in_limit_reached,
        {429, "sign_in_limit_reached", "connection_limit_reached",
         "Try again in some seconds; each wrong password makes the wait longer."}},
    Row{Errc::method_not_implemented,
        {501, "method_not_implemented", "http_request_error",
         "This proxy serves CONNECT, and any method for http:// URLs."}},
    Row{Errc::version_not_supported,
        {505, "version_not_supported", "http_request_error",
         "This proxy speaks HTTP/1.1 and HTTP/1.0."}},
    Row{Errc::expectation_failed,
        {417, "expectation_failed", "http_request_error",
         "The only expectation that is known is 100-continue."}},
    // 429 is RFC 6585 section 4.  RFC 9209 knows no limit of clients: the nearest type names what
    // is limited, also where it is not connections to the next hop.
    Row{Errc::client_connection_limit,
        {429, "client_connection_limit", "connection_limit_reached",
         "Close some of the connections through this proxy, and try again."}},
    Row{Errc::request_rate_limit,
        {429, "request_rate_limit", "http_request_denied", "Try again in a second."}},

    Row{Errc::dns_error,
        {502, "dns_error", "dns_error",
         "That name was looked up here; targets' names are left to the far end of an upstream."}},
    Row{Errc::dns_timeout,
        {504, "dns_timeout", "dns_timeout",
         "That name was looked up here; targets' names are left to the far end of an upstream."}},
    Row{Errc::destination_ip_prohibited,
        {403, "destination_ip_prohibited", "destination_ip_prohibited",
         "The address guard of this proxy forbids that address."}},
    Row{Errc::destination_unavailable,
        {502, "destination_unavailable", "destination_unavailable",
         "The upstream works but could not reach the target; its own log tells more."}},
    Row{Errc::destination_ip_unroutable,
        {502, "destination_ip_unroutable", "destination_ip_unroutable",
         "There is no route to that address; the target may need an upstream."}},
    Row{Errc::connection_refused,
        {502, "connection_refused", "connection_refused",
         "Nothing listens there: is it up, and are host and port right?"}},
    Row{Errc::connection_terminated,
        {502, "connection_terminated", "connection_terminated",
         "Try again; if ssh -D is on the way, its output tells the reason, with -v in full."}},
    Row{Errc::connection_timeout,
        {504, "connection_timeout", "connection_timeout",
         "No answer in time: a firewall may drop the packets, or the tunnel hangs."}},
    Row{Errc::connection_limit_reached,
        {503, "connection_limit_reached", "connection_limit_reached",
         "Try again later, or raise --max-connections and the limit of open files."}},
    Row{Errc::tls_protocol_error,
        {502, "tls_protocol_error", "tls_protocol_error",
         "The upstream may not speak TLS: try http:// instead of https:// for it."}},
    Row{Errc::tls_certificate_error,
        {502, "tls_certificate_error", "tls_certificate_error",
         "Name the upstream's CA with ?ca=, its name with ?sni=, our own certificate with "
         "?cert= and ?key=."}},
    Row{Errc::upstream_denied,
        {403, "upstream_denied", "http_request_denied",
         "The upstream's own rules forbid this target."}},
    Row{Errc::upstream_auth_failed,
        {502, "upstream_auth_failed", "proxy_configuration_error",
         "Check user and password in the --upstream URL or its ?password-file."}},
    Row{Errc::upstream_wants_sign_in,
        {502, "upstream_wants_sign_in", "http_request_denied",
         "Sign in there with a browser that uses this upstream, then try again."}},
    Row{Errc::upstream_protocol_error,
        {502, "upstream_protocol_error", "http_protocol_error",
         "Does the --upstream URL name the right protocol and port?"}},
    Row{Errc::upstream_unsupported,
        {502, "upstream_unsupported", "destination_unavailable",
         "The upstream cannot do what was asked; another kind of upstream may."}},
    Row{Errc::upstreams_down,
        {503, "upstreams_down", "destination_unavailable",
         "No upstream of this route is usable now; is the tunnel up?"}},

    Row{Errc::http_response_incomplete,
        {502, "http_response_incomplete", "http_response_incomplete",
         "The target closed the connection too early; try again."}},
    Row{Errc::http_response_timeout,
        {504, "http_response_timeout", "http_response_timeout",
         "The target took the request but did not answer in time."}},
    Row{Errc::http_protocol_error,
        {502, "http_protocol_error", "http_protocol_error",
         "The target's answer is not well-formed HTTP/1.1 and was not passed on."}},

    Row{Errc::proxy_loop_detected,
        {508, "proxy_loop_detected", "proxy_loop_detected",
         "The way leads back to this proxy; check --upstream and the target."}},
    Row{Errc::proxy_draining,
        {503, "proxy_draining", "proxy_internal_response",
         "This proxy is about to stop; try again soon."}},
    Row{Errc::proxy_internal_error,
        {500, "proxy_internal_error", "proxy_internal_error", "The log of this proxy tells more."}},
    Row{Errc::canceled, {502, "canceled", "connection_terminated", ""}},
};

constexpr bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    if (static_cast<std::size_t>(kRows[i].code) != i) return false;
  }
  return true;
}
static_assert(rows_are_in_order());
static_assert(kRows.size() == kErrcCount);

}  // namespace

const ErrcMeaning& meaning_of(Errc code) { return kRows[static_cast<std::size_t>(code)].meaning; }

std::string_view to_string(Side side) {
  switch (side) {
    case Side::client:
      return "client";
    case Side::upstream:
      return "upstream";
    case Side::target:
      return "target";
    case Side::local:
      return "local";
  }
  return "local";
}

}  // namespace culvert
