#include "check/clock_difference.h"

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/text.h"

namespace culvert {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  return parse_number<int>(text.substr(at, digits));
}

std::string padded(int number) {
  std::string text = number < 10 ? "0" : "";
  append_number(text, number);
  return text;
}

}  // namespace

std::optional<std::time_t> parse_http_date(std::string_view text) {
  // The positions are fixed.
  if (text.size() != 29 || text[3] != ',' || text.substr(25) != " GMT") return std::nullopt;
  std::tm parts{};
  const auto day = number_at(text, 5, 2), year = number_at(text, 12, 4);
  const auto hour = number_at(text, 17, 2), minute = number_at(text, 20, 2);
  const auto second = number_at(text, 23, 2);
  for (std::size_t month = 0; month < kMonths.size(); ++month) {
    if (text.substr(8, 3) == kMonths[month]) parts.tm_mon = static_cast<int>(month) + 1;
  }
  if (!day || !year || !hour || !minute || !second || parts.tm_mon-- == 0) return std::nullopt;
  if (*day < 1 || *day > 31 || *year < 1970 || *hour > 23 || *minute > 59 || *second > 60 ||
      *hour < 0 || *minute < 0 || *second < 0) {
    return std::nullopt;
  }
  parts.tm_mday = *day;
  parts.tm_year = *year - 1900;
  parts.tm_hour = *hour;
  parts.tm_min = *minute;
  parts.tm_sec = *second;
  return timegm(&parts);
}

std::string describe_difference(std::chrono::seconds difference) {
  struct Unit {
    std::string_view name;
    std::int64_t seconds;
  };
  constexpr std::array<Unit, 3> kUnits = {{{" days", 86'400}, {" hours", 3'600}, {" minutes", 60}}};
  const std::int64_t seconds = difference.count() < 0 ? -difference.count() : difference.count();
  std::string text;
  for (const Unit& unit : kUnits) {
    if (seconds < 2 * unit.seconds) continue;
    append_number(text, seconds / unit.seconds);
    return text.append(unit.name);
  }
  append_number(text, seconds);
  return text + " s";
}

std::string time_text(std::time_t time) {
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::string text;
  append_number(text, parts.tm_year + 1900);
  text += "-" + padded(parts.tm_mon + 1) + "-" + padded(parts.tm_mday) + " " +
          padded(parts.tm_hour) + ":" + padded(parts.tm_min) + " UTC";
  return text;
}

}  // namespace culvert
