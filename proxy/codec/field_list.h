#pragma once

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

}  // namespace culvert
