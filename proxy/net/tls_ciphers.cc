#include "net/tls_ciphers.h"

#if defined(__x86_64__)
#include <cpuid.h>
#else
#include <sys/auxv.h>
#endif

#include <string>

#include <openssl/obj_mac.h>
#include <openssl/ssl.h>

namespace culvert {
namespace {

bool is_of_tls13(const SSL_CIPHER* cipher) { return SSL_CIPHER_get_kx_nid(cipher) == NID_kx_any; }

/// The names of those of one version, as OpenSSL takes them; those with the fast `algorithm` first.
std::string names(const STACK_OF(SSL_CIPHER) * ciphers, bool of_tls13, int algorithm) {
  std::string fast, others;
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    if (is_of_tls13(cipher) != of_tls13) continue;
    const bool secret_later = of_tls13 || SSL_CIPHER_get_kx_nid(cipher) == NID_kx_ecdhe;
    std::string& list =
        secret_later && SSL_CIPHER_get_cipher_nid(cipher) == algorithm ? fast : others;
    list += ':';
    list += SSL_CIPHER_get_name(cipher);
  }
  fast += others;
  return fast.substr(fast.empty() ? 0 : 1);
}

}  // namespace

bool has_aes_instructions() {
#if defined(__x86_64__)
  unsigned a = 0, b = 0, features = 0, d = 0;
  constexpr unsigned kBoth = bit_AES | bit_PCLMUL;
  return __get_cpuid(1, &a, &b, &features, &d) == 1 && (features & kBoth) == kBoth;
#elif defined(__aarch64__)
  constexpr unsigned long kAes = 1UL << 3, kPmull = 1UL << 4;  // HWCAP_AES, HWCAP_PMULL
  return (getauxval(AT_HWCAP) & (kAes | kPmull)) == (kAes | kPmull);
#else
  return false;
#endif
}

void offer_fast_ciphers_first(SSL_CTX* context, bool aes_instructions) {
  const int algorithm = aes_instructions ? NID_aes_128_gcm : NID_chacha20_poly1305;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context);
  const std::string of_tls13 = names(ciphers, true, algorithm);
  const std::string of_tls12 = names(ciphers, false, algorithm);
  if (!of_tls13.empty()) SSL_CTX_set_ciphersuites(context, of_tls13.c_str());
  if (!of_tls12.empty()) SSL_CTX_set_cipher_list(context, of_tls12.c_str());
}

}  // namespace culvert
