#pragma once

#include <array>
#include <string_view>

namespace culvert {

/// What a flag of the proxy is for `culvert run` unless it is given: the output is that of the
/// program, and each run has a port of its own.
struct RunDefault {
  std::string_view flag;
  std::string_view value;
  /// A variable or a file does not give it, as they are often those of a service that runs: its
  /// address is taken, and its output or log is not that of a program.
  bool by_arguments_only;
};
inline constexpr auto kRunDefaults = std::to_array<RunDefault>({
    {"listen", "127.0.0.1:0", true},
    {"log-level", "warning", false},
    {"access-log", "off", true},
});

}  // namespace culvert
