#include "policy/breaker.h"

#include <algorithm>

namespace culvert {

Breaker::Breaker(const BreakerLimits& limits, std::uint32_t seed)
    : limits_(limits), random_(seed) {}

Breaker::Permit Breaker::ask(Time now) {
  if (!open_until_) return Permit::granted;
  if (is_open(now)) return Permit::refused;
  trial_under_way_ = true;
  return Permit::trial;
}

bool Breaker::is_open(Time now) const {
  return open_until_ && (trial_under_way_ || now < *open_until_);
}

void Breaker::succeeded(Permit permit, Time now) {
  if (permit == Permit::refused) return;
  // An attempt from before the breaker opened is as good a proof as the trial.
  failures_ = 0;
  wait_ = std::chrono::milliseconds(0);
  open_until_.reset();
  trial_under_way_ = false;
  down_since_.reset();
  last_success_ = now;
}

void Breaker::failed(Permit permit, Time now) {
  if (permit == Permit::refused) return;
  if (!down_since_) down_since_ = now;
  if (open_until_) {
    // Attempts that were running when it opened fail together; they are one outage, and only the
    // trial's failure makes the wait longer.
    if (permit == Permit::trial && trial_under_way_) open(now);
    return;
  }
  if (++failures_ >= limits_.failures) open(now);
}

void Breaker::abandoned(Permit permit) {
  // The wait is over already, so the next attempt is the trial.
  if (permit == Permit::trial) trial_under_way_ = false;
}

void Breaker::open(Time now) {
  wait_ = wait_.count() == 0 ? limits_.first_wait : wait_ * 2;
  wait_ = std::min(wait_, limits_.longest_wait);
  std::uniform_real_distribution<double> factor(1 - limits_.jitter, 1 + limits_.jitter);
  const std::chrono::duration<double, std::milli> jittered =
      std::chrono::duration<double, std::milli>(wait_) * factor(random_);
  open_until_ = now + std::chrono::duration_cast<Time::duration>(jittered);
  trial_under_way_ = false;
  failures_ = 0;
}

}  // namespace culvert
