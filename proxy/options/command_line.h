#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "options/check_options.h"
#include "options/environment.h"
#include "options/read_file.h"
#include "options/run_options.h"
#include "options/settings.h"
#include "options/setup_options.h"
#include "options/status_options.h"

namespace culvert {

/// The outcome of a command line: a Config to serve with, the options of another command, a text to
/// print (--help, --version, `man`, `completion`) and leave with 0, or every problem at once, each
/// naming its flag, to leave with 2.
struct Usage {
  std::string text;
  bool then_libraries = false;  ///< --version: their versions, too, which only others know
};
struct Problems {
  std::vector<std::string> lines;
  /// Those without a problem so far; their certificates have not been read yet.
  std::vector<UpstreamConfig> upstreams;
  std::vector<ListenConfig> listen{};  ///< the same of listeners
};
/// `culvert --check-config`, `--print-config` and `--explain-config`.
struct ConfigQuestion {
  Config config;
  Settings settings;   ///< what was given, and where
  bool check = false;  ///< open all that a start would open
  bool print = false;
  bool explain = false;  ///< print the help on each option, too
};
/// `culvert check --route URL...`: the targets whose routes are printed.
struct RouteQuestion {
  Config config;
  std::vector<HostPort> targets;
};
using CommandLine = std::variant<Config, Usage, Problems, ConfigQuestion, RouteQuestion, RunOptions,
                                 CheckOptions, SetupOptions, StatusOptions>;

/// Reads `arguments` (without the program's name), then `environment`, then the file of --config;
/// of a flag that is in several of them the first counts.  `setup` has its arguments alone. Touches
/// no socket and writes nothing; files named by options are checked for being readable.
CommandLine parse_command_line(const std::vector<std::string>& arguments,
                               const Environment& environment = {},
                               ReadWhen when = ReadWhen::starting);

}  // namespace culvert
