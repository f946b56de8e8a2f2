#pragma once

#include <memory>
#include <string_view>

#include <openssl/err.h>
#include <openssl/pem.h>

namespace culvert {

/// Reads `text`, which outlives it.
using PemReader = std::unique_ptr<BIO, int (*)(BIO*)>;
inline PemReader pem_reader(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free};
}

/// The next certificate of `reader`, also if it is one "with trust"; nullptr: see is_pem_end().
inline X509* next_certificate(const PemReader& reader) {
  return PEM_read_bio_X509_AUX(reader.get(), nullptr, nullptr, nullptr);
}

/// After the last certificate that there is: what follows it is none, and not a damaged one.
inline bool is_pem_end() { return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE; }

}  // namespace culvert
