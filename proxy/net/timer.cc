#include "net/timer.h"

#include <algorithm>

namespace culvert {

void Timer::start(std::chrono::milliseconds delay) {
  stop();
  // Never due in the current turn: a timer that restarts itself would never let it end.
  deadline = loop_.now() + std::max<Loop::Clock::duration>(delay, Loop::Clock::duration(1));
  loop_.timers_.add(*this);
}

void Timer::stop() {
  if (running()) loop_.timers_.remove(*this);
}

}  // namespace culvert
