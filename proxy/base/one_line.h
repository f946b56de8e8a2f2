#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// Whether a character, in UTF-8, is nothing that a terminal obeys, or that turns the direction of
/// what stands around it: C0 and C1 controls, line separators, marks of direction (Unicode 15,
/// chapter 23).
bool is_shown(std::string_view character);

/// `text` as a line for a terminal: without blanks around it, '?' for what is not is_shown()
/// or not UTF-8; if the terminal is not `utf8`, for all bytes that are not ASCII.
std::string one_line(std::string_view text, bool utf8);

}  // namespace culvert
