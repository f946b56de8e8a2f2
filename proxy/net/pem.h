#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace culvert {

/// Reads `text`, which outlives it.
using PemReader = std::unique_ptr<BIO, int (*)(BIO*)>;
inline PemReader pem_reader(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// The next certificate of `reader`, also if it is one "with trust"; nullptr: see is_pem_end().
/// Keys before it are skipped, and no bytes of theirs stay behind.
inline X509* next_certificate(const PemReader& reader) {
  unsigned char* der = nullptr;
  long size = 0;
  if (PEM_bytes_read_bio_secmem(&der, &size, nullptr, PEM_STRING_X509_TRUSTED, reader.get(),
                                nullptr, nullptr) != 1) {
    return nullptr;
  }
  const unsigned char* at = der;
  X509* const cert = d2i_X509_AUX(nullptr, &at, size);
  // OPENSSL_secure_clear_free() would put the path of this file into the program.
  CRYPTO_secure_clear_free(der, static_cast<std::size_t>(size), "", 0);
  return cert;
}

/// After the last certificate that there is: what follows it is none, and not a damaged one.
inline bool is_pem_end() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

}  // namespace culvert
