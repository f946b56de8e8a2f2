#include "options/toml.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"
#include "base/utf8.h"

namespace culvert {
namespace {

bool is_bare(char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; }

class TomlReader {
 public:
  TomlReader(std::string_view text, std::vector<std::string>& problems)
      : rest_(without_byte_order_mark(text)), problems_(problems) {}

  std::vector<TomlEntry> read() {
    while (skip_to_something()) {
      TomlEntry entry;
      if (read_entry(entry)) {
        entries_.push_back(std::move(entry));
      } else {
        skip_line();
      }
    }
    return std::move(entries_);
  }

 private:
  bool read_entry(TomlEntry& entry) {
    entry.line = line_;
    if (next() == '[') return fail("culvert's file has no [sections]");
    if (!read_key(entry.key)) return false;
    skip_blanks();
    if (next() == '.') return fail("a key is one word, the name of a flag");
    if (!take('=')) return fail("'=' is missing behind a key");
    skip_blanks();
    entry.is_array = next() == '[';
    if (!(entry.is_array ? read_array(entry) : read_scalar(entry))) return false;
    skip_blanks();
    skip_comment();
    if (!at_line_end()) return fail("something follows the value");
    for (const TomlEntry& other : entries_) {
      if (other.key != entry.key) continue;
      return fail_at(entry.line,
                     fmt::format("'{}' stands in line {} already{}", redact(entry.key), other.line,
                                 "; several values go in one array [..., ...]"));
    }
    return true;
  }

  bool read_key(std::string& key) {
    if (next() == '"' || next() == '\'') return read_string(key);
    while (is_bare(next())) key += pop();
    return !key.empty() || fail("a key is missing, the name of a flag");
  }

  bool read_array(TomlEntry& entry) {
    pop();  // [
    while (true) {
      skip_to_something();
      if (take(']')) return true;
      if (rest_.empty()) return fail_at(entry.line, "the array's closing ']' is missing");
      if (next() == '[') return fail("an array within an array has no meaning here");
      // The rest of the array is read for its own problems, whatever is wrong with one value.
      const bool good = read_scalar_or_skip(entry);
      skip_to_something();
      if (next() == ']' || take(',')) continue;
      if (rest_.empty()) return fail_at(entry.line, "the array's closing ']' is missing");
      if (!good) continue;
      fail("a ',' or ']' is missing behind an array's value");
      if (next() != '"' && next() != '\'') return false;
    }
  }

  /// False: a problem was appended, and what is left of the value is skipped.
  bool read_scalar_or_skip(TomlEntry& entry) {
    const char quote = next();
    if (read_scalar(entry)) return true;
    if (quote == '"' || quote == '\'') {
      while (!at_line_end() && next() != quote) pop();
    }
    while (!at_line_end() && next() != ',' && next() != ']') pop();
    return false;
  }

  bool read_scalar(TomlEntry& entry) {
    TomlEntry::Value value;
    value.line = line_;
    if (next() == '"' || next() == '\'') {
      if (!read_string(value.text)) return false;
    } else if (!read_bare_value(value.text)) {
      return false;
    }
    entry.values.push_back(std::move(value));
    return true;
  }

  /// A whole number, true or false.
  bool read_bare_value(std::string& text) {
    while (!rest_.empty() && !is_space_or_tab(next()) && next() != '\n' && next() != '\r' &&
           next() != ',' && next() != ']' && next() != '#') {
      text += pop();
    }
    if (text.empty()) return fail("a value is missing");
    if (text == "true" || text == "false") return true;
    if (std::all_of(text.begin(), text.end(), is_digit) && (text.size() == 1 || text[0] != '0')) {
      return true;
    }
    return fail("a value is a \"text\" in quotes, a whole number, true or false");
  }

  bool read_string(std::string& out) {
    const char quote = pop();
    if (rest_.size() >= 2 && next() == quote && rest_[1] == quote) {
      return fail("a text stands in single quotes or double ones, on one line");
    }
    while (true) {
      if (rest_.empty() || next() == '\n') return fail("the text's closing quote is missing");
      const char c = pop();
      if (c == quote) return true;
      if (c == '\\' && quote == '"') {
        if (!read_escape(out)) return false;
      } else if (is_control(c) && c != '\t') {
        return fail("a text holds no control bytes");
      } else {
        out += c;
      }
    }
  }

  bool read_escape(std::string& out) {
    const char c = rest_.empty() ? '\0' : pop();
    switch (c) {
      case 'b':
        out += '\b';
        return true;
      case 't':
        out += '\t';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'f':
        out += '\f';
        return true;
      case 'r':
        out += '\r';
        return true;
      case '"':
      case '\\':
        out += c;
        return true;
      case 'u':
        return read_code_point(4, out);
      case 'U':
        return read_code_point(8, out);
      default:
        return fail("a '\\' in a text is written \\\\, or the text goes in single quotes");
    }
  }

  bool read_code_point(std::size_t digits, std::string& out) {
    std::uint32_t code_point = 0;
    const std::string_view hex = rest_.substr(0, digits);
    const auto [end, code] = std::from_chars(hex.data(), hex.data() + hex.size(), code_point, 16);
    const bool is_scalar = code_point < 0xd800 || (code_point > 0xdfff && code_point <= 0x10ffff);
    if (code != std::errc() || hex.size() != digits || end != hex.data() + digits || !is_scalar) {
      return fail("\\u takes four hexadecimal digits, \\U eight");
    }
    // Names of files and hosts end at a NUL, so what follows it would be lost silently.
    if (code_point == 0) return fail("a text holds no NUL byte");
    rest_.remove_prefix(digits);
    append_utf8(out, code_point);
    return true;
  }

  /// Over blanks, comments and line ends; false at the end of the text.
  bool skip_to_something() {
    while (true) {
      skip_blanks();
      skip_comment();
      if (!at_line_end()) return true;
      if (rest_.empty()) return false;
      if (next() == '\r') pop();
      pop();
      ++line_;
    }
  }

  void skip_blanks() {
    while (is_space_or_tab(next())) pop();
  }
  void skip_comment() {
    if (next() == '#') skip_line();
  }
  void skip_line() {
    while (!at_line_end()) pop();
  }

  bool at_line_end() const {
    return rest_.empty() || rest_.front() == '\n' || rest_.starts_with("\r\n");
  }
  /// The next byte, NUL at the end.
  char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  char pop() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool take(char c) {
    if (rest_.empty() || next() != c) return false;
    pop();
    return true;
  }

  bool fail(std::string_view text) { return fail_at(line_, text); }
  bool fail_at(int line, std::string_view text) {
    problems_.push_back(fmt::format("{}: {}", line, text));
    return false;
  }

  std::string_view rest_;
  std::vector<std::string>& problems_;
  std::vector<TomlEntry> entries_;
  int line_ = 1;
};

}  // namespace

std::vector<TomlEntry> read_toml(std::string_view text, std::vector<std::string>& problems) {
  return TomlReader(text, problems).read();
}

}  // namespace culvert
