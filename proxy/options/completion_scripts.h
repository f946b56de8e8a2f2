#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "options/command_table.h"

namespace culvert {

/// A flag as shells complete it.
struct CompletedFlag {
  std::string_view name;
  std::string_view placeholder;  ///< empty for a switch
  bool repeatable;
  std::string summary;
  std::string values;  ///< those that are known, with blanks between

  bool takes_value() const { return !placeholder.empty(); }
  bool takes_file() const { return placeholder == "FILE"; }
  bool takes_folder() const { return placeholder == "DIR"; }
};

/// The flags that `command` reads but --help and --version, its own first.
std::vector<CompletedFlag> completed_flags(const Command& command);

/// Every flag, one for each name.
std::vector<CompletedFlag> all_completed_flags();

/// The names of all commands, targets of setup, or shells, with `separator` between.
std::string command_names(std::string_view separator = " ");
std::string target_names();
std::string shell_names();

/// `text` with a backslash before each of `special`.
std::string escape_each(std::string_view text, std::string_view special);

/// A "@name@" in a script, and what stands in its place.
struct Blank {
  std::string_view name;
  std::string text;
};
std::string fill_in(std::string_view script, const std::vector<Blank>& blanks);

std::string bash_completion();
std::string zsh_completion();
std::string fish_completion();

}  // namespace culvert
