#pragma once

#include "net/loop.h"

namespace culvert {

/// A clock that stands still until its owner moves it, or a loop that would have to wait.  With it
/// a test of an hour's timeout takes no time, and is told to the millisecond when it ends.
///
/// While a lookup or a child process is under way, the loop really waits and the clock stands.  The
/// loop does not know of a test's own threads, nor of what the kernel times (TCP_USER_TIMEOUT): a
/// test of those needs the real clock.
class ManualClock {
 public:
  Loop::Clock::time_point now() const { return now_; }
  void advance(Loop::Clock::duration by) { now_ += by; }

 private:
  Loop::Clock::time_point now_ = Loop::Clock::now();
};

}  // namespace culvert
