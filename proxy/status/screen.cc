#include "status/screen.h"

#include <sys/ioctl.h>

#include <cstdlib>
#include <string_view>

#include "base/text.h"

namespace culvert {
namespace {

std::size_t variable_number(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? 0 : parse_number<std::size_t>(value).value_or(0);
}

}  // namespace

ScreenSize screen_size(int fd) {
  constexpr std::size_t kMost = 1'000;
  winsize size{};
  ScreenSize out;
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
  std::size_t width = known && size.ws_col > 0 ? size.ws_col : variable_number("COLUMNS");
  std::size_t height = known && size.ws_row > 0 ? size.ws_row : variable_number("LINES");
  if (width > 0 && width <= kMost) out.width = width;
  if (height > 0 && height <= kMost) out.height = height;
  return out;
}

std::string frame_of(const std::vector<std::string>& lines) {
  std::string out = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) out += "\r\n";
    out += lines[i];
    out += "\x1b[K";
  }
  return out += "\x1b[J";
}

std::string screen_begin() { return "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J"; }
std::string screen_end() { return "\x1b[?7h\x1b[?25h\x1b[?1049l"; }

}  // namespace culvert
