#pragma once

#include <cstddef>
#include <string_view>

namespace culvert {

/// The length of the well-formed UTF-8 sequence that `bytes`, which are not empty, begin with
/// (Unicode 15, table 3-7); 0 if there is none.
std::size_t utf8_length(std::string_view bytes);

/// All of it is well-formed UTF-8.
bool is_utf8(std::string_view bytes);

}  // namespace culvert
