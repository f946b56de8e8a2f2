#pragma once

#include <string>
#include <string_view>

namespace culvert {

// A value as a file's reader takes it for exactly these bytes.  Control characters are not for
// configuration files: commands refuses them before.

/// A word of `ExecStart=` in a systemd unit, in which '%' begins a specifier and '$' a variable.
/// Without quotes if it needs none.
std::string quote_unit_word(std::string_view word);
/// The value of a line of an `EnvironmentFile=`.
std::string quote_environment_file(std::string_view value);
/// For sh, and for fish, in single quotes.
std::string quote_shell(std::string_view value);
/// A basic string of TOML 1.0.
std::string quote_toml(std::string_view value);
/// A value of git's configuration.
std::string quote_git(std::string_view value);
/// A value of npm's configuration: as it is, or in JSON's quotes if npm would read something else.
std::string quote_npm(std::string_view value);

}  // namespace culvert
