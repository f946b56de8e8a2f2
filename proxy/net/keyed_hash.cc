#include "net/keyed_hash.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/fatal.h"

namespace culvert {

KeyedHash::KeyedHash() {
  if (RAND_priv_bytes(key_.data(), static_cast<int>(key_.size())) != 1) {
    fatal("random numbers", EIO);
  }
}

KeyedHash::~KeyedHash() { OPENSSL_cleanse(key_.data(), key_.size()); }

std::optional<KeyedHash::Value> KeyedHash::of(std::initializer_list<std::string_view> parts) const {
  std::string text;
  std::size_t size = 0;
  for (const std::string_view part : parts) size += sizeof(std::uint64_t) + part.size();
  text.reserve(size);  // no copy of a password is left behind
  for (const std::string_view part : parts) {
    const std::uint64_t length = part.size();
    text.append(reinterpret_cast<const char*>(&length), sizeof length).append(part);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> full;
  const bool fine = HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
                         reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                         full.data(), nullptr) != nullptr;
  OPENSSL_cleanse(text.data(), text.size());
  if (!fine) return std::nullopt;
  Value value;
  std::copy_n(full.begin(), value.size(), value.begin());
  return value;
}

}  // namespace culvert
