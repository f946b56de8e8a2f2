#pragma once

#include <string>
#include <vector>

#include "options/settings.h"

namespace culvert {

/// A command line taken apart, its values not yet looked at.
struct Arguments {
  std::string command;  ///< "serve" unless the first argument names another one
  bool help = false;
  bool version = false;
  /// The URLs of `check --route`.
  std::vector<std::string> questions;
  std::string shell;  ///< the argument of `completion`
  Source source;      ///< its problems: unknown flags, missing values, flags given twice
};

Arguments read_arguments(const std::vector<std::string>& arguments);

}  // namespace culvert
