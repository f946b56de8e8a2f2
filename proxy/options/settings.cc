#include "options/settings.h"

#include <algorithm>

namespace culvert {
namespace {

bool is_joint(char c) { return c == ',' || c == '='; }

/// The end of the value that begins at `begin`, which is no white space.
std::size_t end_of_value(std::string_view text, std::size_t begin, std::string_view breaks) {
  std::size_t space = begin;
  while ((space = text.find_first_of(kAnySpace, space)) != std::string_view::npos) {
    const std::size_t next = std::min(text.find_first_not_of(kAnySpace, space), text.size());
    const bool joined = is_joint(text[space - 1]) || (next < text.size() && is_joint(text[next]));
    const std::string_view between = text.substr(space, next - space);
    if (!joined && between.find_first_of(breaks) != std::string_view::npos) return space;
    space = next;
  }
  return text.size();
}

}  // namespace

void Settings::add_each(std::string_view flag, std::string_view text, const std::string& origin,
                        std::string_view breaks) {
  std::size_t begin = 0;
  while ((begin = text.find_first_not_of(kAnySpace, begin)) != std::string_view::npos) {
    const std::size_t end = end_of_value(text, begin, breaks);
    add(flag, {std::string(text.substr(begin, end - begin)), origin});
    begin = end;
  }
}

}  // namespace culvert
