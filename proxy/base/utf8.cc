#include "base/utf8.h"

#include <cstdint>

namespace culvert {
namespace {

std::uint8_t utf8_byte(char c) { return static_cast<std::uint8_t>(c); }

}  // namespace

std::size_t utf8_length(std::string_view bytes) {
  const std::uint8_t lead = utf8_byte(bytes[0]);
  if (lead < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;   // overlong
    if (lead == 0xed) high = 0x9f;  // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;   // overlong
    if (lead == 0xf4) high = 0x8f;  // beyond U+10FFFF
  }
  if (length == 0 || bytes.size() < length) return 0;
  if (utf8_byte(bytes[1]) < low || utf8_byte(bytes[1]) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((utf8_byte(bytes[i]) & 0xc0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace culvert
