#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "options/command_table.h"

namespace culvert {

/// Words of a command line, the flags apart from the rest.
struct FlagSplit {
  /// For each flag that was asked for, what was given with it, in order: "" where it stands alone.
  std::vector<std::vector<std::string>> values;
  std::vector<std::string> rest;  ///< unknown flags and whatever is neither flag nor value
};

/// Does `text` begin like a flag?  "-" alone does not.
bool is_flag(std::string_view text);

/// May `text` be the value of the flag before it?  A negative number may.
bool is_value(std::string_view text);

/// Reads "--name VALUE", "--name=VALUE" and "--switch".  Only CLI11's reading of one argument is
/// used: its CLI::App stops at the first problem, and is a third of the program's size.
FlagSplit split_flags(const std::vector<std::string>& words, const std::vector<ReadFlag>& flags);

}  // namespace culvert
