#pragma once

struct ssl_st;

namespace culvert {

/// Frees the session of a server's `ssl`, whose handshake is done and whose ticket is sent: the
/// client's certificate, master secret and names, which it would hold for as long as the connection
/// lasts, and the settings for handshakes.  What is asked about the session or the peer has no
/// answer after it.
void forget_session(ssl_st* ssl);

}  // namespace culvert
