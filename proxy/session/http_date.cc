#include "session/http_date.h"

#include <array>
#include <ctime>

#include <fmt/chrono.h>

namespace culvert {

std::string_view http_date() {
  // Formatted once a second, as it costs as much as the rest of a head.
  thread_local std::time_t cached_second = -1;
  thread_local std::array<char, 29> cached;
  if (const std::time_t second = std::time(nullptr); second != cached_second) {
    fmt::format_to_n(cached.data(), cached.size(), "{:%a, %d %b %Y %H:%M:%S GMT}",
                     fmt::gmtime(second));
    cached_second = second;
  }
  return {cached.data(), cached.size()};
}

}  // namespace culvert
