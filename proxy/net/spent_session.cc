#include "net/spent_session.h"

#include <array>
#include <mutex>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

namespace culvert {
namespace {

/// What all connections of one version of TLS have instead of their own.
struct Spent {
  const SSL_METHOD* method = nullptr;
  SSL_CTX* context = nullptr;
  SSL_SESSION* session = nullptr;
};

/// nullptr: no memory for it.  Kept until the process ends.
const Spent* spent_for(const SSL_METHOD* method) {
  static std::mutex mutex;
  static std::array<Spent, 2> known;  // TLS 1.2 and 1.3
  const std::lock_guard lock(mutex);
  for (Spent& spent : known) {
    if (spent.method == method) return &spent;
    if (spent.method != nullptr) continue;
    spent.context = SSL_CTX_new(method);
    spent.session = SSL_SESSION_new();
    if (spent.context == nullptr || spent.session == nullptr) return nullptr;
    spent.method = method;
    return &spent;
  }
  return nullptr;
}

/// From OpenSSL 3.2 on another session ends the connection: it is set up anew for the method that
/// its first context had.  It is the library that runs which counts.
bool can_replace_session() { return OpenSSL_version_num() < 0x30200000UL; }

/// OpenSSL's `key` is this very object.
void empty(EVP_PKEY* key) {
  EVP_PKEY_set_type(key, EVP_PKEY_X25519);
  EVP_PKEY_free(key);
}

}  // namespace

void forget_key_exchange(SSL* ssl) {
  EVP_PKEY* key = nullptr;
  if (SSL_get_tmp_key(ssl, &key) == 1) empty(key);
  if (SSL_get_peer_tmp_key(ssl, &key) == 1) empty(key);
}

void forget_session(SSL* ssl) {
  // OpenSSL takes another session without a new handshake only if its context is for this very
  // version.
  const Spent* spent = spent_for(SSL_get_ssl_method(ssl));
  if (spent == nullptr || SSL_set_SSL_CTX(ssl, spent->context) == nullptr) return;
  if (can_replace_session()) {
    SSL_set_session(ssl, spent->session);
    return;
  }
  constexpr std::array<unsigned char, SSL_MAX_MASTER_KEY_LENGTH> kNoKey = {};
  SSL_SESSION_set1_master_key(SSL_get_session(ssl), kNoKey.data(), kNoKey.size());
}

}  // namespace culvert
