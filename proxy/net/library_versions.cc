#include "net/library_versions.h"

#include <ares.h>

#include <openssl/crypto.h>
#include <uv.h>

namespace culvert {

std::string_view libuv_version() { return uv_version_string(); }
std::string_view openssl_version() { return OpenSSL_version(OPENSSL_VERSION_STRING); }
std::string_view c_ares_version() { return ares_version(nullptr); }

}  // namespace culvert
