#include "server/session_walk.h"

#include <cstdint>
#include <utility>

#include "net/walk_part.h"

namespace culvert {

void SessionWalk::start(std::unique_ptr<Visitor> visitor) {
  if (visitor_) {
    waiting_ = std::move(visitor);
    return;
  }
  visitor_ = std::move(visitor);
  begin();
}

void SessionWalk::begin() {
  next_ = sessions_.size();
  visitor_->begin();
  look_at_some();
}

/// From the last one downwards.
void SessionWalk::look_at_some() {
  WalkPart part(loop_);
  while (next_ > 0) {
    visitor_->look(*sessions_[--next_]);
    if (part.is_over_after_one()) break;
  }
  if (next_ > 0) return loop_.post([this] { look_at_some(); });
  // At its end it may start another one.
  const auto done = std::exchange(visitor_, std::move(waiting_));
  if (visitor_) loop_.post([this] { begin(); });
  done->end();
}

/// Its place goes to the last of those that are still to be looked at, so that the place of this
/// one is free for one that was looked at, or has begun since.
std::size_t SessionWalk::leave_before_its_turn(std::size_t slot) {
  --next_;
  if (slot != next_) {
    std::swap(sessions_[slot], sessions_[next_]);
    for (const std::size_t place : {slot, next_}) {
      sessions_[place]->slot = static_cast<std::uint32_t>(place);
    }
  }
  return next_;
}

}  // namespace culvert
