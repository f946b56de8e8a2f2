#include "base/wiped_text.h"

#include <algorithm>
#include <span>

#include "base/secret.h"

namespace culvert {

void wipe_text(std::string& text) noexcept {
  text.resize(text.capacity());
  wipe(std::span<char>(text));
  text.clear();
}

void append_wiping(std::string& text, std::string_view more) {
  if (text.capacity() - text.size() < more.size()) {
    std::string longer;
    longer.reserve(std::max(2 * text.capacity(), text.size() + more.size()));
    longer = text;
    text.swap(longer);
    wipe_text(longer);
  }
  text += more;
}

}  // namespace culvert
