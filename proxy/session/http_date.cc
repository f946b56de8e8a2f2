#include "session/http_date.h"

#include <array>
#include <cstddef>
#include <ctime>

#include <fmt/format.h>

namespace culvert {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

}  // namespace

std::string_view http_date() {
  // Formatted once a second, as it costs as much as the rest of a head.
  thread_local std::time_t cached_second = -1;
  thread_local std::array<char, 29> cached;
  if (const std::time_t second = std::time(nullptr); second != cached_second) {
    std::tm utc{};
    gmtime_r(&second, &utc);
    fmt::format_to_n(cached.data(), cached.size(), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays.substr(static_cast<std::size_t>(utc.tm_wday) * 3, 3), utc.tm_mday,
                     kMonths.substr(static_cast<std::size_t>(utc.tm_mon) * 3, 3),
                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
    cached_second = second;
  }
  return {cached.data(), cached.size()};
}

}  // namespace culvert
