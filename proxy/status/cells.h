#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// How many columns of a terminal `text` takes, which is one_line(): 2 for an East Asian wide
/// character (Unicode TR 11), 0 for one that is put over the one before it.
std::size_t columns_of(std::string_view text);

/// `text` in at most `columns`, shortened in its middle, as both ends of a host name are
/// informative, or at its end.  With `utf8` the mark is "…", else "..".
std::string shorten_to(std::string_view text, std::size_t columns, bool utf8);
std::string cut_to(std::string_view text, std::size_t columns, bool utf8);

enum class Tone : std::uint8_t { plain, strong, dim, good, doubtful, bad };

/// What terminals can show, and how much fits.
struct Canvas {
  std::size_t width = 80;
  bool utf8 = false;
  bool colour = false;
};

struct Span {
  std::string text;  ///< as one_line() makes it
  Tone tone = Tone::plain;
};
/// One line, cut at the canvas' width.
std::string join_spans(const std::vector<Span>& spans, const Canvas& canvas);

struct Column {
  std::string_view title;
  bool right = false;  ///< numbers
  /// It is not made narrower than this as long as another one can be left out; 0: than what is in
  /// it, ever.
  std::size_t least = 0;
  int dispensable = 0;  ///< the highest is left out first; 0: it stays
};
/// A row for the titles, and one for each of `rows`, which have a cell for each column.
std::vector<std::string> table_lines(std::vector<Column> columns,
                                     std::vector<std::vector<Span>> rows, const Canvas& canvas);

/// `text` broken between words into lines of at most `columns`; a word that is longer is cut.
std::vector<std::string> wrap_words(std::string_view text, std::size_t columns, bool utf8);

}  // namespace culvert
