#include "options/nearest.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace culvert {
namespace {

/// Of Damerau and Levenshtein, no letter being moved twice.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);  // the row of i - 2
  std::vector<std::size_t> above(b.size() + 1);   // of i - 1
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substituted = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({substituted, above[j] + 1, row[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view found;
  constexpr std::size_t kLongestWord = 40;  // more is no misspelling of anything
  if (word.size() > kLongestWord) return found;
  std::size_t least = word.size() / 3 + 1;
  for (const std::string_view candidate : known) {
    if (const std::size_t d = distance(word, candidate); d < least) least = d, found = candidate;
  }
  return found;
}

}  // namespace culvert
