// Letting a loop run for as long as a test needs.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "net/loop.h"

namespace culvert::test {

/// The end of a time by a loop's clock.  A manual clock does not move while its loop is never idle,
/// which must not last for ever either.
class TurnLimit {
 public:
  TurnLimit(const Loop& loop, std::chrono::milliseconds limit)
      : loop_(loop),
        end_(loop.clock_time() + limit),
        real_end_(Loop::Clock::now() + std::max<std::chrono::milliseconds>(limit, kMostRealTime)) {}
  bool reached() const { return left() <= left().zero() || Loop::Clock::now() >= real_end_; }
  /// The time until then, for Loop::turn().
  int left_ms() const {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, std::numeric_limits<int>::max()));
  }

 private:
  static constexpr std::chrono::seconds kMostRealTime{30};
  Loop::Clock::duration left() const { return end_ - loop_.clock_time(); }

  const Loop& loop_;
  Loop::Clock::time_point end_;
  Loop::Clock::time_point real_end_;
};

/// Turns until `done()`; false if that takes longer than `limit`, which only a fault makes it do.
/// A manual clock moves in small steps, in each of which the kernel and other threads get some real
/// time: what comes at a known time turn_for() reaches at once.
template <typename Done>
[[nodiscard]] bool turn_until(Loop& loop, Done done,
                              std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const TurnLimit end(loop, limit);
  while (!done()) {
    if (end.reached()) return false;
    loop.turn(std::min(10, end.left_ms()));
  }
  return true;
}

/// Lets everything happen that does not wait for time or for another thread.
inline void settle(Loop& loop, int turns = 200) {
  for (int i = 0; i < turns; ++i) loop.turn(0);
}

/// Turns for this long, whatever happens.
inline void turn_for(Loop& loop, std::chrono::milliseconds duration) {
  for (const TurnLimit end(loop, duration); !end.reached();) loop.turn(end.left_ms());
}

}  // namespace culvert::test
