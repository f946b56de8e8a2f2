#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace culvert {

/// `culvert run [options] -- CMD...`
struct RunOptions {
  /// With the defaults of kRunDefaults.
  Config config;
  std::vector<std::string> command;  ///< CMD and its arguments, not empty
};

}  // namespace culvert
