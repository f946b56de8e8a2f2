#include "policy/upstream_load.h"

#include <algorithm>

namespace culvert {
namespace {

constexpr int kMeanOf = 4;  // connections
// The rate falls as slowly as one that has less to deliver for a while would want it.
constexpr double kRateFalls = 1.0 / 16;

std::int64_t at_least_0(const std::atomic<std::int64_t>& value) {
  return std::max<std::int64_t>(0, value.load(std::memory_order_relaxed));
}

}  // namespace

UpstreamLoad::Now UpstreamLoad::now() const {
  const std::int64_t open = at_least_0(open_);
  const std::int64_t active = std::max<std::int64_t>(0, open - at_least_0(idle_));
  return {static_cast<std::uint32_t>(open), static_cast<std::uint32_t>(active),
          static_cast<std::uint64_t>(at_least_0(rate_))};
}

void UpstreamLoad::connected(std::chrono::nanoseconds took, Time now) {
  const std::lock_guard lock(mutex_);
  pace_.connect = pace_.connect ? *pace_.connect + (took - *pace_.connect) / kMeanOf : took;
  pace_.learned = now;
}

void UpstreamLoad::delivers(Time now) {
  const auto rate = static_cast<double>(at_least_0(rate_));
  const std::lock_guard lock(mutex_);
  pace_.rate = rate > pace_.rate ? rate : pace_.rate + (rate - pace_.rate) * kRateFalls;
  pace_.learned = now;
}

UpstreamLoad::Pace UpstreamLoad::pace() const {
  const std::lock_guard lock(mutex_);
  return pace_;
}

}  // namespace culvert
