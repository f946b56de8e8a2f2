#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "config/admin_place.h"
#include "config/config.h"

namespace culvert {

/// `culvert status [options]`
struct StatusOptions {
  std::optional<AdminPlace> admin;  ///< nullopt: the runtime socket of a culvert that runs here
  std::optional<int> pid;           ///< --pid: of this one
  bool once = false;
  bool json = false;
  bool watch_failures = false;
  std::chrono::milliseconds interval{1'000};
  std::string trace;  ///< a session's number, or patterns of targets; empty: none
  std::size_t sessions = kTracedSessions;  ///< to them, that are traced
  std::string filter;
  std::string sort = "-rate";  ///< a key of /api/v1/tunnels
};

}  // namespace culvert
