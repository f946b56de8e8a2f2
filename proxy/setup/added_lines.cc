#include "setup/added_lines.h"

#include <algorithm>

#include "base/text.h"
#include "setup/fnv1a.h"

namespace culvert {
namespace {

/// 16 bits of FNV-1a: they tell one line of a few from others.
std::uint16_t sum_of_line(std::string_view line) {
  const std::uint32_t sum = fnv1a(trim_space(line));
  return static_cast<std::uint16_t>(sum ^ sum >> 16);
}

}  // namespace

std::string_view line_at(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return text.substr(at, end == std::string_view::npos ? end : end + 1 - at);
}

std::vector<std::uint16_t> line_sums(std::string_view text) {
  std::vector<std::uint16_t> sums;
  for (std::size_t at = 0; at < text.size(); at += line_at(text, at).size()) {
    sums.push_back(sum_of_line(line_at(text, at)));
  }
  return sums;
}

std::string added_lines(std::string_view block, const std::vector<std::uint16_t>& sums) {
  std::string added;
  std::string_view heading;  // of ours, which nobody needed yet
  for (std::size_t at = 0; at < block.size();) {
    const std::string_view line = line_at(block, at);
    at += line.size();
    const bool ours = std::find(sums.begin(), sums.end(), sum_of_line(line)) != sums.end();
    if (line.starts_with('[')) heading = ours ? line : std::string_view();
    if (ours) continue;
    added.append(heading).append(line);
    heading = {};
  }
  return added;
}

std::size_t length_of_own_lines(std::string_view text, const std::vector<std::uint16_t>& sums) {
  std::size_t at = 0;
  std::size_t length = 0;
  for (const std::uint16_t sum : sums) {
    const std::string_view line = line_at(text, std::min(at, text.size()));
    if (line.empty() || sum_of_line(line) != sum) break;
    at += line.size();
    // A heading alone may be that of lines that others have put below it.
    if (!line.starts_with('[')) length = at;
  }
  return length;
}

}  // namespace culvert
