#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace culvert {

/// The length of the well-formed UTF-8 sequence that `bytes`, which are not empty, begin with
/// (Unicode 15, table 3-7); 0 if there is none.
std::size_t utf8_length(std::string_view bytes);

/// Appends the character with the number `code` (RFC 3629 section 3).
void append_utf8(std::string& text, std::uint32_t code);

/// All of it is well-formed UTF-8.
bool is_utf8(std::string_view bytes);

}  // namespace culvert
