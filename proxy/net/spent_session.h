#pragma once

struct ssl_st;

namespace culvert {

/// Empties the keys of a key exchange that is done: ours, which is a secret, and the peer's.
/// OpenSSL keeps both for as long as the connection lasts, to tell of which kind they are.
void forget_key_exchange(ssl_st* ssl);

/// Frees the session of a server's `ssl`, whose handshake is done and whose ticket is sent: the
/// client's certificate, master secret and names, which it would hold for as long as the connection
/// lasts, and the settings for handshakes.  What is asked about the session or the peer has no
/// answer after it.  From OpenSSL 3.2 on the session stays, but for its secret: another one would
/// end the connection.
void forget_session(ssl_st* ssl);

}  // namespace culvert
