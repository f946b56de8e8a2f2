#pragma once

#include <string>
#include <string_view>

namespace culvert {

// The last words to a client in the protocol that it speaks to us by mistake: each shows its user
// more than an HTTP response would.

/// A fatal alert in TLS, before any other message (RFC 8446 section 6).  Of those that clients name
/// to their users, "certificate unobtainable" is the nearest to the truth, as there is none here;
/// "handshake failure" and "protocol version" would send people to ciphers and versions.
std::string tls_alert();

/// HTTP/2: our preface, and a GOAWAY with HTTP_1_1_REQUIRED and `reason` as its debug data (RFC
/// 9113 sections 3.4 and 6.8).
std::string http2_goaway(std::string_view reason);

/// SSH: our identification, and SSH_MSG_DISCONNECT with `reason` (RFC 4253 sections 4.2 and 11.1),
/// which ssh prints.  Lines before the identification it shows with -v only.
std::string ssh_disconnect(std::string_view reason);

}  // namespace culvert
