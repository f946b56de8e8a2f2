#include "status/cells.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/utf8.h"

namespace culvert {
namespace {

struct CodeRange {
  std::uint32_t first, last;
};

// Unicode 15: general category Mn, Me and Cf in the scripts that fonts of terminals have.
constexpr auto kZeroWide = std::to_array<CodeRange>({
    {0x00ad, 0x00ad},   {0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd}, {0x0610, 0x061a},
    {0x064b, 0x065f},   {0x0900, 0x0902}, {0x0e31, 0x0e31}, {0x0e34, 0x0e3a}, {0x0e47, 0x0e4e},
    {0x1ab0, 0x1aff},   {0x1dc0, 0x1dff}, {0x200b, 0x200d}, {0x2060, 0x2064}, {0x20d0, 0x20f0},
    {0x302a, 0x302d},   {0x3099, 0x309a}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}, {0xfeff, 0xfeff},
    {0xe0100, 0xe01ef},
});
// EastAsianWidth.txt: W and F.
constexpr auto kTwoWide = std::to_array<CodeRange>({
    {0x1100, 0x115f},   {0x231a, 0x231b},   {0x2329, 0x232a},   {0x23e9, 0x23ec},
    {0x2614, 0x2615},   {0x26a1, 0x26a1},   {0x2705, 0x2705},   {0x274c, 0x274c},
    {0x2e80, 0x303e},   {0x3041, 0x33ff},   {0x3400, 0x4dbf},   {0x4e00, 0xa4cf},
    {0xa960, 0xa97c},   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6b},
    {0xff01, 0xff60},   {0xffe0, 0xffe6},   {0x16fe0, 0x18cff}, {0x1b000, 0x1b2fb},
    {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x1fa70, 0x1faff},
    {0x20000, 0x3fffd},
});

template <std::size_t N>
bool is_within(std::uint32_t code, const std::array<CodeRange, N>& ranges) {
  const auto found =
      std::lower_bound(ranges.begin(), ranges.end(), code,
                       [](const CodeRange& range, std::uint32_t at) { return range.last < at; });
  return found != ranges.end() && found->first <= code;
}

/// The number of a character, which is well-formed.
std::uint32_t code_of(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  std::uint32_t code = byte(0) & (0x7fU >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i) code = code << 6 | (byte(i) & 0x3fU);
  return code;
}

std::size_t columns_of_one(std::string_view character) {
  const std::uint32_t code = code_of(character);
  if (code < 0xad) return 1;
  return is_within(code, kZeroWide) ? 0 : is_within(code, kTwoWide) ? 2 : 1;
}

/// The first character of `text`, and what cannot be one as a byte.
std::string_view first_character(std::string_view text) {
  return text.substr(0, std::max<std::size_t>(utf8_length(text), 1));
}

/// The beginning of `text` that fits.
std::string_view beginning(std::string_view text, std::size_t columns) {
  std::size_t size = 0;
  while (size < text.size()) {
    const std::string_view character = first_character(text.substr(size));
    const std::size_t wide = columns_of_one(character);
    if (wide > columns) break;
    columns -= wide;
    size += character.size();
  }
  return text.substr(0, size);
}

/// The end of `text` that fits.
std::string_view ending(std::string_view text, std::size_t columns) {
  std::size_t wide = columns_of(text);
  while (wide > columns) {
    const std::string_view character = first_character(text);
    wide -= columns_of_one(character);
    text.remove_prefix(character.size());
  }
  return text;
}

std::string_view left_out(bool utf8) { return utf8 ? "…" : ".."; }

std::string_view sequence(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return {};
    case Tone::strong:
      return "\x1b[1m";
    case Tone::dim:
      return "\x1b[2m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::doubtful:
      return "\x1b[33m";
    case Tone::bad:
      return "\x1b[31m";
  }
  return {};
}

constexpr std::string_view kGap = "  ";
constexpr std::size_t kLeastOfAll = 8;

/// Of columns whose content is as wide as it is, those that stay, made to fit.
class Layout {
 public:
  Layout(std::vector<Column> columns, const std::vector<std::vector<Span>>& rows)
      : columns_(std::move(columns)) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::size_t widest = columns_of(columns_[i].title);
      for (const auto& row : rows) widest = std::max(widest, columns_of(row[i].text));
      natural_.push_back(widest);
    }
    widths_ = natural_;
    gone_.resize(columns_.size(), false);
  }

  void fit(std::size_t width) {
    while (narrow(width) > width) {
      const std::size_t next = most_dispensable();
      if (columns_[next].dispensable == 0) break;
      gone_[next] = true;
      widths_ = natural_;
    }
    for (Column& column : columns_) column.least = std::min(column.least, kLeastOfAll);
    narrow(width);
  }
  bool is_gone(std::size_t i) const { return gone_[i]; }
  std::size_t width(std::size_t i) const { return widths_[i]; }

 private:
  std::size_t total() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      if (!gone_[i]) sum += widths_[i] + kGap.size();
    }
    return sum - std::min(sum, kGap.size());
  }
  /// Makes columns as narrow as they may be, and as need be.
  std::size_t narrow(std::size_t width) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::size_t sum = total();
      if (gone_[i] || sum <= width || columns_[i].least == 0) continue;
      const std::size_t least = std::min(columns_[i].least, widths_[i]);
      widths_[i] = std::max(least, widths_[i] - std::min(widths_[i], sum - width));
    }
    return total();
  }
  std::size_t most_dispensable() const {
    std::size_t best = 0;
    int most = -1;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!gone_[i] && columns_[i].dispensable > most) {
        most = columns_[i].dispensable;
        best = i;
      }
    }
    return best;
  }

  std::vector<Column> columns_;
  std::vector<std::size_t> natural_;
  std::vector<std::size_t> widths_;
  std::vector<bool> gone_;
};

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const std::string_view character = first_character(text);
    columns += columns_of_one(character);
    text.remove_prefix(character.size());
  }
  return columns;
}

std::string shorten_to(std::string_view text, std::size_t columns, bool utf8) {
  if (columns_of(text) <= columns) return std::string(text);
  const std::size_t mark = utf8 ? 1 : 2;
  if (columns <= mark) return std::string(beginning(text, columns));
  const std::size_t rest = columns - mark;
  std::string out(beginning(text, rest - rest / 2));
  out += left_out(utf8);
  return out += ending(text, rest / 2);
}

std::string cut_to(std::string_view text, std::size_t columns, bool utf8) {
  if (columns_of(text) <= columns) return std::string(text);
  const std::size_t mark = utf8 ? 1 : 2;
  if (columns <= mark) return std::string(beginning(text, columns));
  return std::string(beginning(text, columns - mark)).append(left_out(utf8));
}

std::string join_spans(const std::vector<Span>& spans, const Canvas& canvas) {
  std::string out;
  std::size_t left = canvas.width;
  for (const Span& span : spans) {
    const std::string text = cut_to(span.text, left, canvas.utf8);
    left -= std::min(left, columns_of(text));
    const bool toned = canvas.colour && span.tone != Tone::plain && !text.empty();
    if (toned) out += sequence(span.tone);
    out += text;
    if (toned) out += "\x1b[0m";
    if (text.size() != span.text.size()) break;
  }
  return out;
}

std::vector<std::string> table_lines(std::vector<Column> columns,
                                     std::vector<std::vector<Span>> rows, const Canvas& canvas) {
  std::vector<Span> titles;
  titles.reserve(columns.size());
  for (const Column& column : columns) titles.push_back({std::string(column.title), Tone::dim});
  Layout layout(columns, rows);
  layout.fit(canvas.width);
  rows.insert(rows.begin(), std::move(titles));
  std::vector<std::string> out;
  for (const std::vector<Span>& row : rows) {
    std::vector<Span> spans;
    std::string blanks;  // none at the end of a line
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (layout.is_gone(i)) continue;
      std::string text = shorten_to(row[i].text, layout.width(i), canvas.utf8);
      const std::string pad(layout.width(i) - columns_of(text), ' ');
      if (columns[i].right) blanks += pad;
      if (!text.empty()) {
        spans.push_back({std::exchange(blanks, {})});
        spans.push_back({std::move(text), row[i].tone});
      }
      if (!columns[i].right) blanks += pad;
      blanks += kGap;
    }
    out.push_back(join_spans(spans, canvas));
  }
  return out;
}

std::vector<std::string> wrap_words(std::string_view text, std::size_t columns, bool utf8) {
  std::vector<std::string> lines;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return lines;
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size());
    if (!lines.empty() && columns_of(lines.back()) + 1 + columns_of(word) <= columns) {
      lines.back().append(" ").append(word);
    } else {
      lines.push_back(cut_to(word, columns, utf8));
    }
  }
}

}  // namespace culvert
