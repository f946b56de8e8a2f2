#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "admin/history.h"
#include "admin/rates.h"
#include "admin/survey.h"
#include "admin/tunnel_query.h"
#include "base/json.h"
#include "server/upstream_facts.h"

namespace culvert {

/// How steady time points are told: as UTC, or as what has passed.
struct WallClock {
  std::chrono::system_clock::time_point wall;
  Loop::Clock::time_point steady;

  /// "2026-11-28T14:03:07.042Z"
  std::string utc(Loop::Clock::time_point time) const;
};

/// What /api/v1/status tells beside a survey.
struct StatusFacts {
  WallClock now;
  Loop::Clock::time_point started;
  int pid = 0;
  bool actions_allowed = false;
  std::string not_ready;  ///< why; empty: it is ready
  std::string unhealthy;  ///< the same
  Rate rate;
  const History* history = nullptr;  ///< nullptr: it is not told
};

/// Seconds, in thousandths.
Json json_seconds(std::chrono::nanoseconds time);

Json status_json(const Survey& survey, const StatusFacts& facts);
Json tunnels_json(const TunnelQuery& query, const Survey& survey, const SessionRates& rates);
/// The newest `limit` of them, the newest first.
Json failures_json(const Survey& survey, std::size_t limit);
Json failure_json(const FailedRequest& failed);
Json upstreams_json(const std::vector<UpstreamFacts>& upstreams, const WorkerFacts& total);

}  // namespace culvert
