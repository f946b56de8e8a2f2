#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// Overwrites all that `text` has room for, and clears it: a string that was moved from, or
/// shortened, still holds its bytes after its end.
void wipe_text(std::string& text) noexcept;

/// Appends, and leaves no copy where `text` stood before.
void append_wiping(std::string& text, std::string_view more);

}  // namespace culvert
