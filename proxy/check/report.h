#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace culvert {

/// One step of a check: what was tried, and what came of it.
struct CheckStep {
  std::string name;  ///< "config", "environment", "listener", "route", "upstream", "request",
                     ///< "tls", "http", "registry", "token", "manifest", "blob", "clock", "cache"
  std::string subject{};  ///< what was looked at: a file, a variable, an upstream, a host
  bool ok = true;
  std::chrono::microseconds time{0};
  std::string detail{};  ///< what was found, in a few words
  std::string cause{};   ///< of a failure: why, one line
  std::string fix{};     ///< of a failure: a command or the line to change, ready to paste
};

/// All steps for one target.
struct TargetReport {
  std::string target;  ///< as given; empty: all that needs none
  std::vector<CheckStep> steps;
  bool ok() const;
};

}  // namespace culvert
