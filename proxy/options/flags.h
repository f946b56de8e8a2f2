#pragma once

#include <span>
#include <string_view>

#include "config/config.h"
#include "options/flag_value.h"

namespace culvert {

/// Whether `now` differs from what the process was `started` with by a change that a reload cannot
/// apply.
using RestartCheck = bool (*)(const Config& started, const Config& now);

/// All there is to know about a flag.  Help, manual page and completions, the variables' names, the
/// keys of a file, the reading of values and what needs a restart are derived from this.
struct Flag {
  std::string_view name;         ///< without dashes
  std::string_view placeholder;  ///< name of its value in help; empty for a switch
  bool repeatable;               ///< may be given several times
  std::string_view group;        ///< the title under which help lists it
  FlagValue value;
  RestartCheck restart_if;  ///< nullptr: a reload applies every change
  /// Lines for help; those that begin with two spaces are a table.  "{least}" and "{most}" stand
  /// for the value's limits, "{default}" for the value in a default Config.
  std::string_view help;
};

/// Every flag that has a place in Config, and --config; --help and --version have none.
std::span<const Flag> flags();

/// nullptr if there is none of that name (without dashes).
const Flag* find_flag(std::string_view name);

/// The flag that `name` is most likely a misspelling of; empty if none is near.
std::string_view nearest_flag(std::string_view name);

}  // namespace culvert
