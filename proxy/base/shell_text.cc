#include "base/shell_text.h"

#include <algorithm>

#include "base/text.h"

namespace culvert {
namespace {

bool means_nothing(char c) {
  return is_letter_or_digit(c) || std::string_view("%+,-./:=@_").find(c) != std::string_view::npos;
}

}  // namespace

std::string shell_quoted(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), means_nothing)) {
    return std::string(text);
  }
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

}  // namespace culvert
