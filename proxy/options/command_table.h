#pragma once

#include <array>
#include <string_view>

namespace culvert {

/// A first argument that is a command.  The first one is the default.
struct Command {
  std::string_view name;
  std::string_view usage;  ///< after the program's name
  std::string_view help;   ///< one line
};

inline constexpr auto kCommands = std::to_array<Command>({
    {"serve", "[serve] [options]", "run the proxy; the default"},
    {"check", "check --route URL... [options]", "say which route URL takes, and why"},
    {"man", "man", "print the manual page, for man -l -"},
    {"completion", "completion bash|zsh|fish", "print completions for this shell"},
});

}  // namespace culvert
