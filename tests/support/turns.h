// Letting a loop run for as long as a test needs.
#pragma once

#include <chrono>

#include "net/loop.h"

namespace culvert::test {

/// Turns until `done()`; false if that takes longer than `limit`, which only a fault makes it do.
template <typename Done>
[[nodiscard]] bool turn_until(Loop& loop, Done done,
                              std::chrono::milliseconds limit = std::chrono::seconds(10)) {
  const auto deadline = Loop::Clock::now() + limit;
  while (!done()) {
    if (Loop::Clock::now() >= deadline) return false;
    loop.turn(10);
  }
  return true;
}

/// Lets everything happen that does not wait for time or for another thread.
inline void settle(Loop& loop, int turns = 200) {
  for (int i = 0; i < turns; ++i) loop.turn(0);
}

/// Whether `act` can be done within the limit.  A busy machine may need some tries; what waits for
/// longer by itself fails them all.
template <typename Act>
[[nodiscard]] bool can_be_done_within(std::chrono::milliseconds limit, Act act) {
  for (int tries = 0; tries < 10; ++tries) {
    const auto begun = Loop::Clock::now();
    act();
    if (Loop::Clock::now() - begun < limit) return true;
  }
  return false;
}

/// Turns for this long, whatever happens.
inline void turn_for(Loop& loop, std::chrono::milliseconds duration) {
  const auto deadline = Loop::Clock::now() + duration;
  while (Loop::Clock::now() < deadline) loop.turn(2);
}

}  // namespace culvert::test
