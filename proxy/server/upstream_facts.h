#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/upstream_health.h"
#include "server/ruleset.h"

namespace culvert {

/// How one upstream is, as all workers see it: plain values, without what the workers count
/// (UpstreamTally).
struct UpstreamFacts {
  enum class State : std::uint8_t {
    unknown,  ///< no attempt has told anything yet
    up,
    down,  ///< the last attempts that told anything failed, or its probe does
    marked_down,
  };

  std::string name;
  std::string label;           ///< its URL without credentials
  std::string_view kind;       ///< "direct", "socks5", ...
  bool default_route = false;  ///< targets without a rule of their own may go through it
  State state = State::unknown;
  std::optional<std::chrono::milliseconds> down_for;
  std::string reason;  ///< why it is down, a sentence; else empty
  UpstreamHealth::BreakerState breaker = UpstreamHealth::BreakerState::closed;
  UpstreamHealth::Probe probe = UpstreamHealth::Probe::none;
  std::uint32_t weight = 1;
  std::uint32_t active = 0;  ///< see UpstreamLoad::Now
  std::size_t warm_wanted = 0;
  std::size_t warm_ready = 0;
  std::uint64_t false_successes = 0;               ///< see EarlyGrants
  std::vector<std::chrono::nanoseconds> connects;  ///< the last times to connect, oldest first
};

// The stable names for metrics and JSON.
std::string_view name_of(UpstreamFacts::State state);
std::string_view name_of(UpstreamHealth::BreakerState state);
std::string_view name_of(UpstreamHealth::Probe probe);

/// In the order of Config::upstreams.  From any thread.
std::vector<UpstreamFacts> upstream_facts(const Ruleset& ruleset, UpstreamHealth::Time now);

}  // namespace culvert
