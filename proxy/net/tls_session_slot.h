#pragma once

#include <mutex>

struct ssl_st;
struct ssl_session_st;

namespace culvert {

/// The last session that a server issued, offered at the next handshakes (RFC 8446 section 2.2).
/// One for each server, shared by the workers.  Appendix C.4 there advises to offer each only once,
/// so that an observer cannot link two connections to the same client; ours go from one address to
/// one proxy anyway, and several often begin before the first has received a new session.
class TlsSessionSlot {
 public:
  TlsSessionSlot() = default;
  ~TlsSessionSlot();
  TlsSessionSlot(const TlsSessionSlot&) = delete;
  TlsSessionSlot& operator=(const TlsSessionSlot&) = delete;

  /// Offers the session at the handshake of `ssl`, and keeps those that its server issues.
  void attach(ssl_st* ssl);
  /// What OpenSSL is to call with each new session (SSL_CTX_sess_set_new_cb).
  static int on_new_session(ssl_st* ssl, ssl_session_st* session);

  void put(ssl_session_st* session);  ///< takes over one reference
  ssl_session_st* get() const;

 private:
  void offer(ssl_st* ssl) const;

  mutable std::mutex mutex_;
  ssl_session_st* session_ = nullptr;
};

}  // namespace culvert
