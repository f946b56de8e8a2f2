#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "codec/http_head.h"

namespace culvert {

/// Where a message's body ends (RFC 9112 section 6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t {
    none,         ///< there is no body
    length,       ///< `length` bytes
    chunked,      ///< chunks, see ChunkedDecoder
    until_close,  ///< all until the connection closes; responses only
  };
  Kind kind = Kind::none;
  std::uint64_t length = 0;
  /// False if the end of this body cannot be found, so the connection must be closed.
  bool reusable = true;
  /// There is no body, and what the fields say of one is ambiguous: none of them is passed on.
  bool ambiguous = false;

  friend bool operator==(const BodyFraming&, const BodyFraming&) = default;
};

/// Decides once, and refuses whatever two readers might decide differently: Content-Length with
/// Transfer-Encoding, more than one Content-Length, one that is not a plain number, a
/// Transfer-Encoding other than exactly "chunked" or in HTTP/1.0.  Codes: http_request_error, or
/// method_not_implemented for transfer codings that we do not know (RFC 9112 section 6.1).
Result<BodyFraming> request_framing(const RequestHead& head);

/// The same for the response to a request with `request_method`; the code is http_protocol_error.
/// 2xx to CONNECT, 1xx, 204, 304 and answers to HEAD have no body, whatever their fields say (RFC
/// 9112 section 6.3 rules 1 and 2), and do not fail.
Result<BodyFraming> response_framing(const ResponseHead& head, std::string_view request_method);

/// How a response with `framing` is framed anew for a client that speaks HTTP/1.`client_minor`:
/// chunked bodies end with the connection for HTTP/1.0, and bodies that end with the upstream's
/// connection become chunked for HTTP/1.1, so that the client's connection is kept and a truncated
/// body can be recognised.
BodyFraming framing_for_client(const BodyFraming& framing, int client_minor);

}  // namespace culvert
