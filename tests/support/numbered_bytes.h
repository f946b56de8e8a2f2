// Bytes for a test to send.
#pragma once

#include <string>
#include <string_view>

namespace culvert::test {

/// They encode their position, so that a lost, doubled or moved one is noticed.
inline std::string numbered_bytes(std::size_t size, std::string_view separator = ",") {
  std::string bytes;
  bytes.reserve(size + 20);
  for (unsigned i = 0; bytes.size() < size; ++i) {
    bytes += std::to_string(i);
    bytes += separator;
  }
  bytes.resize(size);
  return bytes;
}

}  // namespace culvert::test
