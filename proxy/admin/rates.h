#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/loop.h"
#include "session/session_facts.h"

namespace culvert {

/// Bytes a second each way.
struct Rate {
  std::uint64_t up = 0;
  std::uint64_t down = 0;
};

/// How fast one count of bytes grows, by looks at it at any times.
class RateMeter {
 public:
  using Time = Loop::Clock::time_point;
  /// Looks that follow sooner do not count: over so short a time a rate is chance.
  static constexpr std::chrono::milliseconds kApart{800};
  /// After so long without a look what is known is a long average, and no rate of now.
  static constexpr std::chrono::seconds kTooOld{15};

  void look(std::uint64_t up, std::uint64_t down, Time now);
  /// nullopt: there was no second look yet.
  const std::optional<Rate>& rate() const { return rate_; }

 private:
  friend class SessionRates;
  bool begun_ = false;
  std::uint64_t up_ = 0;
  std::uint64_t down_ = 0;
  Time at_;
  std::optional<Rate> rate_;
  unsigned round_ = 0;
};

/// The same for each session.
class SessionRates {
 public:
  /// All that there are now.
  void look(const std::vector<SessionFacts>& sessions, Loop::Clock::time_point now);
  std::optional<Rate> of(std::uint64_t id) const;

 private:
  unsigned round_ = 0;
  std::unordered_map<std::uint64_t, RateMeter> meters_;
};

}  // namespace culvert
