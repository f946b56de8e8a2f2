#include "setup/toml_scanner.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"

namespace culvert {
namespace {

/// The character that \c stands for; c itself if it is one of its own.
char unescaped(char c) {
  constexpr std::string_view kEscapes = "btnfre";
  constexpr std::string_view kCharacters = "\b\t\n\f\r\x1b";
  const std::size_t found = kEscapes.find(c);
  return found == std::string_view::npos ? c : kCharacters[found];
}

}  // namespace

void TomlScanner::skip_line() {
  while (!at_end() && text_[at_] != '\n') ++at_;
}

/// White space, line ends and comments.
void TomlScanner::skip_blank() {
  while (!at_end()) {
    if (at('#')) {
      skip_line();
    } else if (std::string_view(" \t\r\n").find(text_[at_]) == std::string_view::npos) {
      return;
    } else {
      ++at_;
    }
  }
}

/// At the backslash.
void TomlScanner::read_escape(std::string& value) {
  const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\\';
  at_ = std::min(at_ + 2, text_.size());
  if (kind == '\n' || kind == '\r') {
    // At the end of a line it takes all white space that follows.
    while (!at_end() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
    return;
  }
  const std::size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  if (digits == 0) {
    value += unescaped(kind);
    return;
  }
  std::uint32_t code = 0;
  const std::string_view hex = text_.substr(std::min(at_, text_.size()), digits);
  std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
  append_utf8(value, code);
  at_ += hex.size();
}

/// Of each of the four kinds, at its first quote.
std::string TomlScanner::read_string() {
  const char quote = text_[at_];
  const std::string triple(3, quote);
  const bool many_lines = text_.substr(at_).starts_with(triple);
  at_ += many_lines ? 3 : 1;
  if (many_lines && at('\n')) ++at_;
  std::string value;
  while (!at_end()) {
    const bool ends = many_lines ? text_.substr(at_).starts_with(triple) : at(quote);
    if (ends || (!many_lines && at('\n'))) {
      at_ += ends && many_lines ? 3 : ends ? 1 : 0;
      break;
    }
    if (quote == '"' && at('\\')) {
      read_escape(value);
    } else {
      value += text_[at_++];
    }
  }
  return value;
}

/// Up to `end`, which is skipped, or the end of the line: without quotes, and white space around.
std::string TomlScanner::read_name(char end) {
  std::string name;
  while (!at_end() && !at('\n') && !at(end)) {
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      name += read_string();
    } else {
      if (c != ' ' && c != '\t' && c != '\r') name += c;
      ++at_;
    }
  }
  if (at(end)) ++at_;
  return name;
}

std::string TomlScanner::read_braces() {
  const std::size_t begin = ++at_;
  while (!at_end() && !at('}') && !at('\n')) {
    if (at('"') || at('\'')) {
      read_string();
    } else {
      ++at_;
    }
  }
  std::string inside(text_.substr(begin, at_ - begin));
  if (at('}')) ++at_;
  return inside;
}

/// Whatever it is, with all of its lines.
void TomlScanner::skip_value() {
  int depth = 0;
  while (!at_end() && (depth > 0 || !at('\n'))) {
    const char c = text_[at_];
    if (in_line_ && depth == 0 && (c == ',' || c == '}')) return;
    if (c == '"' || c == '\'') {
      read_string();
      continue;
    }
    if (c == '#') {
      skip_line();
      continue;
    }
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    ++at_;
  }
}

std::optional<std::string> TomlScanner::next_key() {
  if (value_waits_) skip_value();
  value_waits_ = false;
  while (true) {
    skip_blank();
    if (at_end()) return std::nullopt;
    if (in_line_ && (at(',') || at('}'))) {
      leave_inline_table(text_[at_++]);
      continue;
    }
    if (at('[')) {
      in_line_ = false;
      while (at('[')) ++at_;
      table_ = read_name(']') + ".";
      skip_line();
      continue;
    }
    const std::size_t begin = at_;
    std::string key = read_name('=');
    if (at_ == begin || text_[at_ - 1] != '=') continue;
    value_waits_ = true;
    return table_ + key;
  }
}

void TomlScanner::enter_inline_table(std::string_view key) {
  skip_blank();
  if (in_line_ || !at('{')) return;
  ++at_;
  in_line_ = true;
  value_waits_ = false;
  around_ = std::exchange(table_, concat({key, "."}));
}

/// Where `c` is its end, and not a comma.
void TomlScanner::leave_inline_table(char c) {
  if (c != '}') return;
  in_line_ = false;
  table_ = around_;
}

std::optional<TomlArray> TomlScanner::read_array() {
  skip_blank();
  if (!at('[')) return std::nullopt;
  ++at_;
  TomlArray array;
  while (true) {
    skip_blank();
    if (at('"') || at('\'')) {
      array.strings.push_back(read_string());
    } else if (at('{')) {
      array.tables.push_back(read_braces());
    } else if (at(',')) {
      ++at_;
    } else {
      break;
    }
  }
  if (!at(']')) return std::nullopt;
  ++at_;
  return array;
}

}  // namespace culvert
