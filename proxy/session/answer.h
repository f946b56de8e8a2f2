#pragma once

#include <string>

#include "base/error.h"

namespace culvert {

/// The complete success response to CONNECT.  Some clients accept nothing but exactly 200 without
/// fields.
inline constexpr std::string_view kConnectEstablished =
    "HTTP/1.1 200 Connection established\r\n\r\n";

/// The reason phrase for `error`: printable ASCII, at most 200 bytes, begins with "culvert: " so
/// that our 503 is not mistaken for the target's.  It is all that users of Go programs see.
std::string reason_phrase(const Error& error);

/// A complete error response for the client: status line, Date, Proxy-Status (RFC 9209), whose
/// `details` is what the reason phrase does not say, a text body with the reason, that detail and a
/// hint (no body for HEAD), `Connection: close` unless the connection is kept.
std::string error_answer(const Error& error, bool head_request = false, bool kept = false);

}  // namespace culvert
