#pragma once

#include <string>

#include "base/error.h"

namespace culvert {

/// The whole of the one success answer to CONNECT.  Clients are picky: exactly 200, no fields.
inline constexpr std::string_view kConnectEstablished =
    "HTTP/1.1 200 Connection established\r\n\r\n";

/// The reason phrase for `error`: printable ASCII, at most 200 bytes, begins with "culvert: " so
/// that nobody takes our 503 for the target's.  For Go programs it is all that the user sees.
std::string reason_phrase(const Error& error);

/// A whole answer to the client: status line, Date, Proxy-Status (RFC 9209), a text body with the
/// reason and a hint (none for HEAD), `Connection: close`.
std::string error_answer(const Error& error, bool head_request = false);

}  // namespace culvert
