#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// An array of TOML, as far as it holds strings and inline tables.
struct TomlArray {
  std::vector<std::string> strings;
  std::vector<std::string> tables;  ///< what stands between the braces
};

/// Goes through the keys of another program's TOML (culvert's own: options/toml.h).  What is no
/// TOML is skipped up to the end of its line: the program that the file is for complains.
class TomlScanner {
 public:
  explicit TomlScanner(std::string_view text) : text_(text) {}

  /// The next key, with its table: "engine.env".  nullopt at the end.
  std::optional<std::string> next_key();
  /// The value of that key.  nullopt if it is no array of these.
  std::optional<TomlArray> read_array();
  /// If the value of that key is an inline table, its keys are the next.
  void enter_inline_table(std::string_view key);

 private:
  bool at_end() const { return at_ >= text_.size(); }
  bool at(char c) const { return !at_end() && text_[at_] == c; }
  void skip_blank();
  void skip_line();
  void skip_value();
  void leave_inline_table(char c);
  std::string read_name(char end);
  std::string read_string();
  void read_escape(std::string& value);
  std::string read_braces();

  std::string_view text_;
  std::size_t at_ = 0;
  std::string table_;
  std::string around_;        ///< the table that an inline table stands in
  bool in_line_ = false;      ///< in an inline table of the first level
  bool value_waits_ = false;  ///< the value of the last key was not read
};

}  // namespace culvert
