#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace culvert {

/// Everything that can fail while a request is served.  Named after the error types of RFC 9209
/// section 2.3 where one fits; meaning_of() gives each its HTTP status, RFC 9209 type and hint.
enum class Errc : std::uint8_t {
  // The client's request.
  http_request_error,       ///< malformed request, bad authority, origin-form
  http_request_too_large,   ///< the head exceeds its limit
  http_uri_too_long,        ///< the request target exceeds its limit
  http_request_timeout,     ///< the head did not arrive in time
  http_request_denied,      ///< refused by the access rules or a route
  proxy_auth_required,      ///< the client's credentials are missing or wrong
  sign_in_limit_reached,    ///< too many sign-ins failed, or wait to be checked
  method_not_implemented,   ///< a method or scheme that we do not serve
  version_not_supported,    ///< an HTTP version that we do not speak
  expectation_failed,       ///< an Expect other than 100-continue
  client_connection_limit,  ///< its client, or user, has as many connections as it may have
  request_rate_limit,       ///< its client has sent too many requests lately
  // The connection to the target.
  dns_error,                  ///< a name does not resolve
  dns_timeout,                ///< no answer to a name in time
  destination_ip_prohibited,  ///< refused by the address guard
  destination_unavailable,    ///< the far end could not reach the target
  destination_ip_unroutable,  ///< no route to host or network
  connection_refused,         ///< TCP connection refused
  connection_terminated,      ///< closed or reset before an answer
  connection_timeout,         ///< connect or handshake took too long
  connection_limit_reached,   ///< we, or the system, have no room for more
  tls_protocol_error,         ///< TLS handshake failed
  tls_certificate_error,      ///< the peer's certificate was not accepted
  upstream_denied,            ///< the upstream's own rules refused the target
  upstream_auth_failed,       ///< the upstream refused our credentials
  upstream_wants_sign_in,     ///< the upstream redirects to where a person signs in
  upstream_protocol_error,    ///< the upstream violated its protocol
  upstream_unsupported,       ///< the upstream does not support the request
  upstreams_down,             ///< no upstream of the route is usable now
  // The response.
  http_response_incomplete,  ///< ended before the end that its framing gives
  http_response_timeout,     ///< did not begin in time
  http_protocol_error,       ///< a response that RFC 9112 forbids
  // Ourselves.
  proxy_loop_detected,   ///< the request has passed through this proxy before
  proxy_draining,        ///< this proxy is shutting down
  proxy_internal_error,  ///< a system call failed that should not
  canceled,              ///< the other side of the session closed first
};
inline constexpr std::size_t kErrcCount = static_cast<std::size_t>(Errc::canceled) + 1;

/// Whose side failed.
enum class Side : std::uint8_t { client, upstream, target, local };

/// How an Errc is reported.
struct ErrcMeaning {
  int status;                ///< HTTP status of the answer to the client
  std::string_view name;     ///< stable name for logs, metrics and tests
  std::string_view rfc9209;  ///< error type in the Proxy-Status field
  std::string_view hint;     ///< a sentence for the text body; may be empty
};

/// The row of the one table that explains `code`.
const ErrcMeaning& meaning_of(Errc code);

std::string_view to_string(Side side);

/// A failure as a value.  `text` is a complete sentence: it names upstream, target and cause, as in
/// "upstream socks5://127.0.0.1:1080 refused the connection".  It never holds a credential, and may
/// hold bytes that a peer sent only after printable() cleaned them.
struct Error {
  Errc code = Errc::proxy_internal_error;
  Side side = Side::local;
  int sys = 0;  ///< errno of the failed system call, 0 if none
  std::string text;
  /// More than `text` has room for: the text body and `details` of Proxy-Status have it.  Often
  /// empty.
  std::string detail{};
};

}  // namespace culvert
