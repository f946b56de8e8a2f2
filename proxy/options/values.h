#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace culvert {

/// A number or a time, or what is wrong with the text (without repeating it).
template <typename T>
using Parsed = std::variant<T, std::string>;

/// The times that an option takes.
struct DurationLimits {
  std::chrono::milliseconds at_least;
  std::chrono::milliseconds at_most;
  bool zero_allowed = false;  ///< 0 and "off" are valid, too, whatever `at_least` is
};

/// "500ms", "12s", "5m", "1h", a bare number of seconds, or "off" for 0.
Parsed<std::chrono::milliseconds> parse_duration(std::string_view text,
                                                 const DurationLimits& limits);

/// Bytes a second: "4096", "64k" or "1M" (of 1024 and 1024 * 1024), up to 1 GiB.
Parsed<std::uint64_t> parse_rate(std::string_view text);

/// true, yes, on or 1, or nothing at all; false, no, off or 0.  In any case.
Parsed<bool> parse_switch(std::string_view text);

/// A decimal number from `at_least` to `at_most`.
Parsed<std::uint64_t> parse_count(std::string_view text, std::uint64_t at_least,
                                  std::uint64_t at_most);

}  // namespace culvert
