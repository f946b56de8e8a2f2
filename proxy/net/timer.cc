#include "net/timer.h"

#include <algorithm>

namespace culvert {

void Timer::start(std::chrono::milliseconds delay) {
  stop();
  // Never due in the turn that is running: a timer that starts itself anew would never end it.
  deadline_ = loop_.now() + std::max<Loop::Clock::duration>(delay, Loop::Clock::duration(1));
  loop_.add_timer(*this);
}

void Timer::stop() {
  if (running()) loop_.remove_timer(*this);
}

}  // namespace culvert
