#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// One `key = value` of a file.
struct TomlEntry {
  struct Value {
    std::string text;  ///< strings unescaped; numbers and booleans as written
    int line = 0;
  };
  std::string key;
  int line = 0;
  bool is_array = false;
  std::vector<Value> values;  ///< one unless is_array
};

/// Reads the part of TOML 1.0 that flags need: comments, bare and quoted keys, one-line strings of
/// both kinds, whole numbers, booleans, and arrays of these over any number of lines.  Tables,
/// dotted keys, floats, dates and multi-line strings are problems.  Each problem is appended as
/// "LINE: text", repeats no value, and does not end the reading; libraries stop at the first
/// problem, so none is used here.
std::vector<TomlEntry> read_toml(std::string_view text, std::vector<std::string>& problems);

}  // namespace culvert
