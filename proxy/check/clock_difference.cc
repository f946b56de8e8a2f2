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

/// A clock that differs by more is wrong.
constexpr std::chrono::seconds kMostDifference{300};

bool is_far(std::chrono::seconds difference) {
  return difference > kMostDifference || difference < -kMostDifference;
}

bool is_credible(const ClockSighting& seen, std::time_t now) {
  const std::time_t theirs = now + seen.difference.count();
  return !seen.in_tls() || (seen.not_before <= theirs && theirs <= seen.not_after);
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

std::optional<std::chrono::seconds> clock_difference(std::string_view date, std::string_view age,
                                                     std::time_t now) {
  const auto sent = parse_http_date(date);
  if (!sent) return std::nullopt;
  const auto kept = parse_number<std::uint32_t>(age).value_or(0);
  return std::chrono::seconds(*sent + kept - now);
}

ClockVerdict judge_clock(const std::vector<ClockSighting>& sightings, std::time_t now) {
  ClockVerdict verdict;
  const ClockSighting* against = nullptr;
  for (const ClockSighting& seen : sightings) {
    if (!is_far(seen.difference)) {
      if (verdict.sighting == nullptr) verdict.sighting = &seen;
      continue;
    }
    if (verdict.odd == nullptr) verdict.odd = &seen;
    if (against == nullptr && is_credible(seen, now)) against = &seen;
  }
  if (verdict.sighting != nullptr) return verdict;
  verdict.wrong = against != nullptr;
  verdict.sighting = verdict.wrong ? against : verdict.odd;
  return verdict;
}

}  // namespace culvert
