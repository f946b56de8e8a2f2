#pragma once

#include <span>
#include <string>
#include <string_view>

namespace culvert {

/// What there is to know about a flag before its value is read.
struct Flag {
  std::string_view name;    ///< without dashes
  std::string_view value;   ///< how help calls its value; empty for a switch
  bool repeatable = false;  ///< may be given several times
  std::string_view help;    ///< lines of text for --help
};

/// Every flag that has a place in Config; --help and --version have none.
std::span<const Flag> flags();

/// nullptr if there is none of that name (without dashes).
const Flag* find_flag(std::string_view name);

/// The flag that `name` is most likely a misspelling of; empty if none is near.
std::string_view nearest_flag(std::string_view name);

/// The text of --help.
std::string help_text();

}  // namespace culvert
