#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policy/target_pattern.h"

namespace culvert {

/// What a request for /api/v1/trace asks for: "target=.gcr.io&sessions=3", or "id=17".
struct TraceQuery {
  static constexpr std::size_t kDefaultSessions = 10;
  static constexpr std::size_t kMostSessions = 10'000;

  std::optional<std::uint64_t> id;  ///< that session; nullopt: the next ones to `targets`
  std::vector<TargetPattern> targets{};
  std::size_t sessions = kDefaultSessions;

  /// The error's text is for the client.
  static Result<TraceQuery> parse(std::string_view query);
};

}  // namespace culvert
