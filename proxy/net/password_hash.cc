#include "net/password_hash.h"

#include <crypt.h>

#include <cstring>
#include <memory>

#include <openssl/crypto.h>

namespace culvert {
namespace {

/// crypt(3) leaves the password in its memory.
struct WipeCryptData {
  void operator()(crypt_data* data) const {
    OPENSSL_cleanse(data, sizeof *data);
    delete data;
  }
};

}  // namespace

bool password_matches(const Secret& password, const Secret& hash) {
  // Both end in NUL, as they are strings; a password has none within, and crypt(3) refuses long
  // ones.
  const char* const phrase = password.reveal().data();
  const char* const setting = hash.reveal().data();
  if (std::strlen(phrase) != password.reveal().size()) return false;
  const std::unique_ptr<crypt_data, WipeCryptData> data(new crypt_data{});
  const char* const made = crypt_r(phrase, setting, data.get());
  const std::size_t size = hash.reveal().size();
  if (made == nullptr || std::strlen(made) != size) return false;
  return CRYPTO_memcmp(made, setting, size) == 0;
}

}  // namespace culvert
