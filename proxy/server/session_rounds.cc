#include "server/session_rounds.h"

#include <algorithm>
#include <utility>

#include "net/walk_part.h"

namespace culvert {
namespace {

constexpr std::chrono::milliseconds kBetweenParts{1};

}  // namespace

void SessionRounds::reset() {
  stop();
  begun_ = begun_before_ = {};
  next_ = 0;
}

void SessionRounds::on_tick() {
  if (next_ == 0) {
    begun_before_ = std::exchange(begun_, loop_.now());
    next_ = sessions_.size();
    visitor_.begin_round();
  }
  look_at_some();
  if (next_ > 0) return ticker_.hurry(kBetweenParts);
  if (sessions_.empty()) stop();
  visitor_.end_round();
}

/// From the last one downwards: one that ends gives its place to one that was looked at, or is new.
void SessionRounds::look_at_some() {
  WalkPart part(loop_);
  next_ = std::min(next_, sessions_.size());
  while (next_ > 0) {
    visitor_.look(*sessions_[--next_], loop_.now());
    if (part.is_over_after_one()) return;
  }
}

}  // namespace culvert
