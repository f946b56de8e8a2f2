#pragma once

#include "net/loop.h"

namespace culvert {

/// A clock that stands still until its owner moves it, or a loop that would have to wait.  With it
/// a test of an hour's timeout takes no time, and can check its end to the millisecond.
///
/// While a lookup or a child process is under way, the loop really waits and the clock stands.  It
/// does not apply to a test's own threads, nor to the kernel's timers (TCP_USER_TIMEOUT): a test of
/// those needs the real clock.
class ManualClock {
 public:
  Loop::Clock::time_point now() const { return now_; }
  void advance(Loop::Clock::duration by) { now_ += by; }

 private:
  Loop::Clock::time_point now_ = Loop::Clock::now();
};

}  // namespace culvert
