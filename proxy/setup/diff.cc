#include "setup/diff.h"

#include <algorithm>
#include <cstdint>

namespace culvert {
namespace {

using Lines = std::vector<std::string_view>;

/// Beyond this product of lines the shortest way is not looked for.
constexpr std::size_t kMostPairs = 4'000'000;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    lines.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

/// How many lines the rests of both texts, from i and j on, have in common in the same order.
class CommonLines {
 public:
  CommonLines(const Lines& a, const Lines& b) : width_(b.size() + 1) {
    if (a.size() * b.size() > kMostPairs) return;
    counts_.resize((a.size() + 1) * width_);
    for (std::size_t i = a.size(); i-- > 0;) {
      for (std::size_t j = b.size(); j-- > 0;) {
        counts_[i * width_ + j] =
            a[i] == b[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  std::uint32_t at(std::size_t i, std::size_t j) const {
    return counts_.empty() ? 0 : counts_[i * width_ + j];
  }

 private:
  std::size_t width_;
  std::vector<std::uint32_t> counts_;
};

}  // namespace

std::vector<DiffLine> compare_lines(std::string_view before, std::string_view after) {
  Lines a = lines_of(before);
  Lines b = lines_of(after);
  std::vector<DiffLine> compared;
  const auto same = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  for (auto line = a.begin(); line != same.first; ++line) compared.push_back({' ', *line});
  a.erase(a.begin(), same.first);
  b.erase(b.begin(), same.second);
  Lines tail;
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    tail.push_back(a.back());
    a.pop_back();
    b.pop_back();
  }
  const CommonLines common(a, b);
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && common.at(i, j) > 0 && a[i] == b[j]) {
      compared.push_back({' ', a[i++]});
      ++j;
    } else if (i < a.size() && (j == b.size() || common.at(i + 1, j) >= common.at(i, j + 1))) {
      compared.push_back({'-', a[i++]});
    } else {
      compared.push_back({'+', b[j++]});
    }
  }
  std::reverse(tail.begin(), tail.end());
  for (const std::string_view line : tail) compared.push_back({' ', line});
  return compared;
}

std::vector<DiffHunk> find_hunks(const std::vector<DiffLine>& lines, std::size_t context) {
  std::vector<DiffHunk> hunks;
  std::size_t old_line = 0;
  std::size_t new_line = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].mark != ' ') {
      const std::size_t end = std::min(i + context + 1, lines.size());
      const std::size_t before = std::min(i, context);
      if (!hunks.empty() && hunks.back().first + hunks.back().count >= i - before) {
        hunks.back().count = end - hunks.back().first;
      } else {
        hunks.push_back({i - before, end - (i - before), old_line - before, new_line - before});
      }
    }
    if (lines[i].mark != '+') ++old_line;
    if (lines[i].mark != '-') ++new_line;
  }
  return hunks;
}

}  // namespace culvert
