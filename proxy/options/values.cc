#include "options/values.h"

#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"

namespace culvert {
namespace {

std::optional<std::int64_t> milliseconds_per(std::string_view unit) {
  if (unit.empty()) return 1'000;
  for (const DurationUnit& known : kDurationUnits) {
    if (unit == known.name) return known.milliseconds;
  }
  return std::nullopt;
}

std::string range_problem(const DurationLimits& limits) {
  return fmt::format("not between {} and {}{}", format_duration(limits.at_least),
                     format_duration(limits.at_most), limits.zero_allowed ? " (or off)" : "");
}

}  // namespace

Parsed<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                 const DurationLimits& limits) {
  const std::string lower = to_lower(trim(text));
  std::int64_t number = 0;
  std::int64_t unit = 1;
  if (lower != "off") {
    const char* const last = lower.data() + lower.size();
    const auto [end, code] = std::from_chars(lower.data(), last, number);
    const auto known = milliseconds_per({end, last});
    if (code == std::errc::result_out_of_range) return range_problem(limits);
    if (code != std::errc() || !known) return "not a time; write 500ms, 12s, 5m or 1h";
    unit = *known;
  }
  if (number == 0 && limits.zero_allowed) return std::chrono::milliseconds(0);
  // Divided rather than multiplied, so that a huge number cannot overflow.
  if (number < 0 || number > limits.at_most.count() / unit ||
      number * unit < limits.at_least.count()) {
    return range_problem(limits);
  }
  return std::chrono::milliseconds(number * unit);
}

Parsed<bool> parse_switch(std::string_view text) {
  for (const std::string_view on : {"", "true", "yes", "on", "1"}) {
    if (iequals(text, on)) return true;
  }
  for (const std::string_view off : {"false", "no", "off", "0"}) {
    if (iequals(text, off)) return false;
  }
  return std::string("either true or false");
}

Parsed<std::uint64_t> parse_rate(std::string_view text) {
  constexpr std::uint64_t kMost = 1 << 30;
  const std::string lower = to_lower(trim(text));
  const char* const last = lower.data() + lower.size();
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(lower.data(), last, number);
  const std::string_view unit(end, last);
  const std::uint64_t bytes = unit.empty() ? 1 : unit == "k" ? 1 << 10 : unit == "m" ? 1 << 20 : 0;
  if (code == std::errc::invalid_argument || bytes == 0) {
    return "not a rate; write bytes a second, as 4096, 64k or 1M";
  }
  if (code != std::errc() || number == 0 || number > kMost / bytes) {
    return "not between 1 and 1024M bytes a second";
  }
  return number * bytes;
}

Parsed<std::uint64_t> parse_count(std::string_view text, std::uint64_t at_least,
                                  std::uint64_t at_most) {
  const std::string_view digits = trim(text);
  const char* const last = digits.data() + digits.size();
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(digits.data(), last, number);
  if (code == std::errc::invalid_argument || end != last) return "not a number";
  if (code != std::errc() || number < at_least || number > at_most) {
    return fmt::format("not between {} and {}", at_least, at_most);
  }
  return number;
}

}  // namespace culvert
