#include "base/unit_text.h"

namespace culvert {

std::string quote_unit_environment(std::string_view name, std::string_view value) {
  std::string word = "\"";
  word.append(name).append("=");
  for (const char c : value) {
    if (c == '"' || c == '\\') word += '\\';
    if (c == '%') word += '%';
    word += c;
  }
  return word + '"';
}

}  // namespace culvert
