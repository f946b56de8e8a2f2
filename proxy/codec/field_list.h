#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "base/text.h"

namespace culvert {

/// Calls `take` with each element of a comma-separated list (RFC 9110 section 5.6.1), empty ones
/// included, without the white space around it.  For lists whose elements hold no quoted commas.
template <typename Take>
void each_element(std::string_view list, Take take) {
  for (;;) {
    const std::size_t comma = list.find(',');
    take(trim(list.substr(0, comma)));
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

/// Cuts the next part off `list`, up to the next `separator` outside of quoted strings (RFC 9110
/// section 5.6.4), without the white space around it.
inline std::string_view cut_part(std::string_view& list, char separator) {
  bool quoted = false;
  std::size_t end = 0;
  for (; end < list.size() && (quoted || list[end] != separator); ++end) {
    if (list[end] == '"') quoted = !quoted;
    if (list[end] == '\\' && quoted) ++end;
  }
  end = std::min(end, list.size());
  const std::string_view part = trim(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return part;
}

}  // namespace culvert
