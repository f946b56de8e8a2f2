#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace culvert {

/// One line of a comparison: ' ' in both, '-' in the old text only, '+' in the new one only.
struct DiffLine {
  char mark;
  std::string_view text;  ///< its end included, if it has one
};

/// A shortest way from the old text to the new one, all lines of both in order.
std::vector<DiffLine> compare_lines(std::string_view before, std::string_view after);

/// Lines that belong together, with `context` unchanged ones around the changes.
struct DiffHunk {
  std::size_t first = 0;  ///< of the compared lines
  std::size_t count = 0;
  std::size_t old_line = 0;  ///< how many lines of the old text are before it
  std::size_t new_line = 0;
};
std::vector<DiffHunk> find_hunks(const std::vector<DiffLine>& lines, std::size_t context);

}  // namespace culvert
