#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "policy/target_pattern.h"

namespace culvert {

/// What a request for /api/v1/trace asks for: "target=.gcr.io&sessions=3", or "id=17".
struct TraceQuery {
  std::optional<std::uint64_t> id;  ///< that session; nullopt: the next ones to `targets`
  std::vector<TargetPattern> targets{};
  std::size_t sessions = kTracedSessions;

  /// The error's text is for the client.
  static Result<TraceQuery> parse(std::string_view query);
};

}  // namespace culvert
