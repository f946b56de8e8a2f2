#pragma once

#include <array>
#include <string_view>

namespace culvert {

/// What a flag of the proxy is for `culvert run` unless some source gives it: the output is that of
/// the program, and each run has a port of its own.
struct RunDefault {
  std::string_view flag;
  std::string_view value;
};
inline constexpr auto kRunDefaults = std::to_array<RunDefault>({
    {"listen", "127.0.0.1:0"},
    {"log-level", "warning"},
    {"access-log", "off"},
});

}  // namespace culvert
