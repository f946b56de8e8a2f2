#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace culvert {

struct ScreenSize {
  std::size_t width = 80;
  std::size_t height = 24;
};

/// Of the terminal `fd`; where it does not know, by COLUMNS and LINES.
ScreenSize screen_size(int fd);

/// Bytes that show `lines` on a terminal from its upper left corner on, over what stood there, so
/// that nothing flickers.  The last line is not ended, as the screen would scroll.
std::string frame_of(const std::vector<std::string>& lines);

/// Bytes that switch to the other screen of a terminal, without cursor and without breaking lines
/// that are too long; and back.
std::string screen_begin();
std::string screen_end();

}  // namespace culvert
