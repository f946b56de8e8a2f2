#include "check/peer_words.h"

#include "base/text.h"

namespace culvert {

std::string peer_words(std::string_view text, std::size_t limit) {
  std::string words;
  for (const char c : trim_space(text)) {
    const bool is_white = kAnySpace.find(c) != std::string_view::npos;
    if (!is_white) {
      words += c;
    } else if (!words.ends_with(' ')) {
      words += ' ';
    }
  }
  return printable(words, limit);
}

}  // namespace culvert
