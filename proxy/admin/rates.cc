#include "admin/rates.h"

namespace culvert {
namespace {

std::uint64_t rate_over(std::uint64_t bytes, std::chrono::milliseconds time) {
  return bytes * 1000 / static_cast<std::uint64_t>(time.count());
}

}  // namespace

void RateMeter::look(std::uint64_t up, std::uint64_t down, Time now) {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - at_);
  // Less than before: another request of the same connection.
  const bool anew = !begun_ || up < up_ || down < down_ || passed > kTooOld;
  if (!anew && passed < kApart) return;
  rate_.reset();
  if (!anew) rate_ = Rate{rate_over(up - up_, passed), rate_over(down - down_, passed)};
  begun_ = true;
  up_ = up;
  down_ = down;
  at_ = now;
}

void SessionRates::look(const std::vector<SessionFacts>& sessions, Loop::Clock::time_point now) {
  ++round_;
  for (const SessionFacts& session : sessions) {
    RateMeter& meter = meters_[session.id];
    meter.look(session.bytes_up, session.bytes_down, now);
    meter.round_ = round_;
  }
  std::erase_if(meters_, [this](const auto& entry) { return entry.second.round_ != round_; });
}

std::optional<Rate> SessionRates::of(std::uint64_t id) const {
  const auto found = meters_.find(id);
  return found == meters_.end() ? std::nullopt : found->second.rate();
}

}  // namespace culvert
