#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "config/config.h"

namespace culvert {

// What a server says of itself in the log.

/// Of a reload that has succeeded: what was read.  Without --config only files that options name
/// may have changed.
std::string reloaded_text(const Config& config);

/// Of the beginning of a drain.  `limit`: of --drain-timeout; nullopt: none.
std::string draining_text(std::size_t connections,
                          const std::optional<std::chrono::milliseconds>& limit);

}  // namespace culvert
