#pragma once

#include <string>
#include <vector>

#include "options/settings.h"

namespace culvert {

/// A command line taken apart, its values not yet looked at.
struct Arguments {
  std::string command;       ///< "serve" unless the first argument names another one
  bool has_command = false;  ///< the command was named
  bool help = false;
  bool version = false;
  /// The URLs of `check --route`.
  std::vector<std::string> questions;
  /// What stands behind the options of `run`: a program and its arguments, not read.
  std::vector<std::string> program;
  /// The arguments of `check`, `setup` and `completion` that are no flags: targets, a shell.
  std::vector<std::string> words;
  Source source;  ///< flags of the proxy; its problems: unknown flags, missing values, and so on
  Settings own;   ///< flags of the command itself
};

Arguments read_arguments(const std::vector<std::string>& arguments);

}  // namespace culvert
