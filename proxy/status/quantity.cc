#include "status/quantity.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

namespace culvert {

std::string size_text(std::int64_t bytes) {
  constexpr std::string_view kPrefixes = " kMGTPE";
  bytes = std::max<std::int64_t>(bytes, 0);
  if (bytes < 1'000) return fmt::format("{} B", bytes);
  std::size_t prefix = 1;
  std::int64_t tenths = bytes / 100;
  while (tenths >= 10'000) {
    tenths /= 1'000;
    ++prefix;
  }
  if (tenths < 100) return fmt::format("{}.{} {}B", tenths / 10, tenths % 10, kPrefixes[prefix]);
  return fmt::format("{} {}B", tenths / 10, kPrefixes[prefix]);
}

std::string age_text(std::int64_t seconds) {
  seconds = std::max<std::int64_t>(seconds, 0);
  if (seconds < 60) return fmt::format("{}s", seconds);
  if (seconds < 3'600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3'600, seconds / 60 % 60);
  if (seconds < 100 * 86'400) {
    return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3'600 % 24);
  }
  return fmt::format("{}d", seconds / 86'400);
}

std::string sparkline(std::span<const std::int64_t> values, std::size_t columns, bool utf8) {
  constexpr auto kBars = std::to_array<std::string_view>({"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"});
  constexpr std::string_view kAsciiBars = "_.:-=+*#";
  values = values.last(std::min(values.size(), columns));
  if (values.empty()) return {};
  const std::int64_t highest = *std::max_element(values.begin(), values.end());
  std::string out;
  for (const std::int64_t value : values) {
    // In halves of a bar, so that it is rounded.
    constexpr std::int64_t kMost = 100'000'000'000'000'000;
    const std::int64_t halves = std::clamp<std::int64_t>(value, 0, kMost) * 14 /
                                std::clamp<std::int64_t>(highest, 1, kMost);
    const auto level = static_cast<std::size_t>((halves + 1) / 2);
    utf8 ? out += kBars[level] : out += kAsciiBars[level];
  }
  return out;
}

}  // namespace culvert
