#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace culvert {

/// HMAC-SHA-256 with a key that only this object has, and that ends with it.
class KeyedHash {
 public:
  /// What is kept of it.
  using Value = std::array<std::uint8_t, 16>;

  /// Fatal if the system has no random numbers.
  KeyedHash();
  ~KeyedHash();
  KeyedHash(const KeyedHash&) = delete;
  KeyedHash& operator=(const KeyedHash&) = delete;

  /// Of `parts`, of which each counts with its length.  nullopt if OpenSSL fails.
  std::optional<Value> of(std::initializer_list<std::string_view> parts) const;

 private:
  std::array<unsigned char, 32> key_;
};

}  // namespace culvert
