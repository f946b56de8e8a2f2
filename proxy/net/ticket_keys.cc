#include "net/ticket_keys.h"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

namespace culvert {
namespace {

/// Where an SSL_CTX keeps its TicketKeys.
int keys_index() {
  static const int kIndex = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return kIndex;
}

void wipe_key(TicketKeys::Key& key) { OPENSSL_cleanse(&key, sizeof key); }

void forget_key(std::optional<TicketKeys::Key>& key) {
  if (key) wipe_key(*key);
  key.reset();
}

void make_key(std::optional<TicketKeys::Key>& key, TicketKeys::Random random) {
  key.emplace();
  if (!random(key->name) || !random(key->cipher) || !random(key->mac)) forget_key(key);
}

bool set_mac(EVP_MAC_CTX* mac, TicketKeys::Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(), key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, params) == 1;
}

/// -1: the handshake fails.
int seal(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) {
  auto key = keys.current();
  if (!key) return -1;
  std::copy(key->name.begin(), key->name.end(), name);
  const bool fine =
      RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1 &&
      EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key->cipher.data(), iv) == 1 &&
      set_mac(mac, *key);
  wipe_key(*key);
  return fine ? 1 : -1;
}

/// 0: a full handshake follows.
int unseal(TicketKeys& keys, const unsigned char* name, const unsigned char* iv,
           EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
  auto found = keys.find(std::span<const unsigned char, 16>(name, 16));
  if (!found) return 0;
  const bool fine =
      EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr, found->key.cipher.data(), iv) == 1 &&
      set_mac(mac, found->key);
  wipe_key(found->key);
  if (!fine) return -1;
  return found->current ? 1 : 2;
}

int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac, int sealing) {
  void* keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), keys_index());
  return sealing != 0 ? seal(*static_cast<TicketKeys*>(keys), name, iv, cipher, mac)
                      : unseal(*static_cast<TicketKeys*>(keys), name, iv, cipher, mac);
}

}  // namespace

bool TicketKeys::random_bytes(std::span<unsigned char> bytes) {
  return RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) == 1;
}

TicketKeys::TicketKeys(Now now, Random random) : now_(now), random_(random), made_(now()) {
  make_key(current_, random_);
}

TicketKeys::~TicketKeys() {
  forget_key(current_);
  forget_key(before_);
}

/// With nobody to serve for two lives, both keys are too old.  A key that could not be made is
/// tried again each time.
void TicketKeys::rotate() {
  const auto age = now_() - made_;
  if (current_ && age < kLife) return;
  if (age >= 2 * kLife) {
    forget_key(before_);
  } else if (current_) {
    before_ = current_;
  }
  make_key(current_, random_);
  if (current_) made_ = now_();
}

std::optional<TicketKeys::Key> TicketKeys::current() {
  const std::lock_guard lock(mutex_);
  rotate();
  return current_;
}

std::optional<TicketKeys::Found> TicketKeys::find(std::span<const unsigned char, 16> name) {
  const std::lock_guard lock(mutex_);
  rotate();
  const auto is_of = [&](const std::optional<Key>& key) {
    return key && std::equal(name.begin(), name.end(), key->name.begin());
  };
  if (is_of(current_)) return Found{*current_, true};
  if (is_of(before_)) return Found{*before_, false};
  return std::nullopt;
}

void TicketKeys::serve(SSL_CTX* context) {
  SSL_CTX_set_ex_data(context, keys_index(), this);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_timeout(context, std::chrono::seconds(kLife).count());
}

}  // namespace culvert
