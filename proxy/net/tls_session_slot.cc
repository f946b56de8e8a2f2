#include "net/tls_session_slot.h"

#include <openssl/ssl.h>

namespace culvert {
namespace {

/// Where an SSL keeps its slot.
int slot_index() {
  static const int kIndex = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

}  // namespace

TlsSessionSlot::~TlsSessionSlot() { SSL_SESSION_free(session_); }

void TlsSessionSlot::attach(SSL* ssl) {
  SSL_set_ex_data(ssl, slot_index(), this);
  offer(ssl);
}

void TlsSessionSlot::offer(SSL* ssl) const {
  const std::lock_guard lock(mutex_);
  if (session_ == nullptr) return;
  // OpenSSL invalidates a session of TLS 1.3 in the handshake that resumes it.
  SSL_SESSION* copy = SSL_SESSION_dup(session_);
  if (copy == nullptr) return;
  SSL_set_session(ssl, copy);
  SSL_SESSION_free(copy);
}

void TlsSessionSlot::put(SSL_SESSION* session) {
  const std::lock_guard lock(mutex_);
  SSL_SESSION_free(session_);
  session_ = session;
}

SSL_SESSION* TlsSessionSlot::get() const {
  const std::lock_guard lock(mutex_);
  return session_;
}

int TlsSessionSlot::on_new_session(SSL* ssl, SSL_SESSION* session) {
  auto* slot = static_cast<TlsSessionSlot*>(SSL_get_ex_data(ssl, slot_index()));
  if (slot == nullptr) return 0;
  // A copy: the connection goes on with its own, and changes it when the next one comes.
  if (SSL_SESSION* copy = SSL_SESSION_dup(session)) slot->put(copy);
  return 0;  // we keep no reference to the one we were given
}

}  // namespace culvert
