#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "dial/upstream_counters.h"

namespace culvert {

/// Which limit a client has met.
enum class Limit : std::uint8_t {
  connections,         ///< --max-connections
  descriptors,         ///< there was no descriptor to serve it with
  client_connections,  ///< --max-connections-per-client
  user_connections,    ///< --max-connections-per-user
  requests,            ///< --max-requests-per-second
  sign_in,             ///< passwords are checked no faster
  accepts,             ///< --max-accepts-per-second: it had to wait
};
inline constexpr std::size_t kLimits = static_cast<std::size_t>(Limit::accepts) + 1;

/// The stable name for metrics and JSON.
constexpr std::string_view name_of(Limit limit) {
  constexpr std::array<std::string_view, kLimits> kNames = {
      "connections", "descriptors", "client_connections", "user_connections", "requests",
      "sign_in",     "accepts"};
  return kNames[static_cast<std::size_t>(limit)];
}

/// What the sessions of one worker count, beside their records.  For the worker's thread.
struct SessionCounters {
  std::array<std::uint64_t, kLimits> limits{};
  DialCounters dials;
  std::size_t stalled = 0;   ///< tunnels that are stalled now
  std::uint64_t stalls = 0;  ///< times that a tunnel became so

  SessionCounters& operator+=(const SessionCounters& other) {
    for (std::size_t i = 0; i < kLimits; ++i) limits[i] += other.limits[i];
    dials.held += other.dials.held;
    dials.holds += other.dials.holds;
    dials.hedges += other.dials.hedges;
    stalled += other.stalled;
    stalls += other.stalls;
    return *this;
  }
  void met(Limit limit) { ++limits[static_cast<std::size_t>(limit)]; }
};

}  // namespace culvert
