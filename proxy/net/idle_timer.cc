#include "net/idle_timer.h"

#include <algorithm>

namespace culvert {

void IdleTimer::start(std::chrono::milliseconds limit, Loop::Clock::time_point latest) {
  limit_ = limit;
  latest_ = latest;
  progress();
  if (due() == Loop::Clock::time_point::max()) return stop();
  arm();
}

Loop::Clock::time_point IdleTimer::due() const {
  return limit_.count() == 0 ? latest_ : std::min(last_progress_ + limit_, latest_);
}

void IdleTimer::arm() { timer_.start(std::chrono::ceil<std::chrono::milliseconds>(due() - now())); }

void IdleTimer::on_timer() {
  if (now() < due()) return arm();
  expired_();
}

}  // namespace culvert
