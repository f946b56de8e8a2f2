#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace culvert {

/// `culvert run [options] -- CMD...`
struct RunOptions {
  /// Without --listen a free port of 127.0.0.1, and --log-level warning and --access-log off by
  /// default.
  Config config;
  std::vector<std::string> command;  ///< CMD and its arguments, not empty
};

}  // namespace culvert
