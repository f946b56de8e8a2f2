#include "base/secret.h"

#include <cstring>

#include "base/text.h"
#include "base/wiped_text.h"

namespace culvert {

void wipe(std::span<char> bytes) noexcept {
  std::memset(bytes.data(), 0, bytes.size());
  // A compiler barrier: the zeros count as read, so writing them is not optimised away.
  asm volatile("" : : "r"(bytes.data()) : "memory");
}

Secret::Secret(std::string value) : value_(std::move(value)) { wipe_text(value); }

Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) {
  wipe_text(other.value_);
}

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe_text(value_);
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe_text(value_);
    value_ = std::move(other.value_);
    wipe_text(other.value_);
  }
  return *this;
}

Secret::~Secret() { wipe_text(value_); }

Secret basic_token(const Credentials& credentials) {
  const Secret pair(credentials.user + ":" + std::string(credentials.password.reveal()));
  return Secret(base64_encode(pair.reveal()));
}

}  // namespace culvert
