#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"

namespace culvert {

/// `culvert check [options] [URL|IMAGE...]`
struct CheckOptions {
  Config config;
  std::vector<std::string> targets;           ///< as given: URL, HOST:PORT or IMAGE; not read yet
  std::optional<int> pid;                     ///< --pid: whose environment is read instead of ours
  std::chrono::milliseconds timeout{30'000};  ///< of the whole walk
  bool json = false;
  std::string given;  ///< all options of the command line but --timeout, see given_options()
  std::string given_timeout;  ///< "--timeout 60s", if that was given
};

}  // namespace culvert
