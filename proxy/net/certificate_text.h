#pragma once

#include <cstdint>
#include <string>

struct x509_store_ctx_st;

namespace culvert {

/// The CAs by which a server's certificate is checked.
enum class TlsTrust : std::uint8_t {
  named,   ///< those of a file or directory that the configuration names
  system,  ///< the system's store
  nobody,  ///< that store, and it is empty
};

/// Why `check`, which has failed, does not accept a server's certificate: a clause that follows the
/// server's name and says what helps.  Names in the certificate are cleaned and bounded.
std::string why_not_trusted(x509_store_ctx_st* check, TlsTrust trust);

}  // namespace culvert
