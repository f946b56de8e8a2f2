#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dial/upstream_counters.h"
#include "net/loop_lag.h"
#include "server/stats.h"
#include "session/session_counters.h"

namespace culvert {

struct ByteCounts {
  std::uint64_t up = 0;    ///< client to upstream
  std::uint64_t down = 0;  ///< upstream to client

  ByteCounts& operator+=(const ByteCounts& other) {
    up += other.up;
    down += other.down;
    return *this;
  }
  /// A count that was told never falls, as it may by bytes of an attempt that is begun anew.
  void raise_to(const ByteCounts& other) {
    up = std::max(up, other.up);
    down = std::max(down, other.down);
  }
};

/// What the workers know of one upstream.
struct UpstreamTally {
  std::string name;
  UpstreamCounters counters;  ///< of finished requests
  ByteCounts bytes;           ///< those of requests that run included
  std::size_t tunnels = 0;    ///< that are open
};

/// What one worker has counted since it began, and how it is: plain values, for another thread.
/// Several add up to those of all workers.
struct WorkerFacts {
  std::size_t worker = 0;  ///< which one, from 0
  Stats stats;             ///< of finished requests
  ByteCounts bytes;        ///< those of requests that run included
  SessionCounters counters;
  std::uint64_t accepted = 0;         ///< connections that were served or refused in words
  std::uint64_t accept_failures = 0;  ///< accept(2) that failed for want of something
  std::size_t connections = 0;        ///< of clients, open now
  std::size_t tunnels = 0;            ///< of these
  std::uint64_t target_lookups = 0;   ///< names that were looked up on this machine
  std::uint64_t upstream_lookups = 0;
  std::size_t pipes = 0;  ///< for splicing, in use
  std::uint64_t lost_lines = 0;
  std::uint64_t lost_access_lines = 0;
  std::uint64_t long_turns = 0;  ///< of its loop, see LoopLag
  std::chrono::nanoseconds long_turn_time{0};
  std::chrono::nanoseconds longest_turn{0};  ///< of the last minute
  std::chrono::nanoseconds cpu{0};           ///< of its thread
  std::vector<UpstreamTally> upstreams;

  /// Adds those of another worker.
  WorkerFacts& operator+=(const WorkerFacts& other);
  /// nullptr: none has used it.
  const UpstreamTally* upstream(std::string_view name) const;
};

}  // namespace culvert
