#include "base/one_line.h"

#include <algorithm>
#include <cstddef>

#include "base/text.h"
#include "base/utf8.h"

namespace culvert {

bool is_shown(std::string_view character) {
  if (character.size() == 1) return character[0] >= ' ' && character[0] != '\x7f';
  if (character.size() == 2 && character[0] == '\xc2') return (character[1] & 0x60) != 0;
  if (character.size() != 3 || character[0] != '\xe2') return true;
  const auto last = static_cast<unsigned char>(character[2]);
  if (character[1] == '\x80')
    return !(last == 0x8e || last == 0x8f || (last >= 0xa8 && last <= 0xae));
  return !(character[1] == '\x81' && last >= 0xa6 && last <= 0xa9);
}

std::string one_line(std::string_view text, bool utf8) {
  text = trim(text);
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::max<std::size_t>(utf8 ? utf8_length(text) : 1, 1);
    const std::string_view character = text.substr(0, size);
    const bool is_foreign = size == 1 && (text[0] & 0x80) != 0;
    out += is_foreign || !is_shown(character) ? "?" : character;
    text.remove_prefix(size);
  }
  return out;
}

}  // namespace culvert
