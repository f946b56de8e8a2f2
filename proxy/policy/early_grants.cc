#include "policy/early_grants.h"

#include <algorithm>

namespace culvert {

std::optional<std::uint64_t> EarlyGrants::note(std::string_view target, Time now) {
  remember(now);
  const bool is_new = std::find(targets_.begin(), targets_.end(), target) == targets_.end();
  if (!target.empty() && is_new && targets_.size() < kProof) targets_.emplace_back(target);
  if (targets_.size() >= kProof) pause_until_ = now + kPause;
  return count_.note(now);
}

void EarlyGrants::remember(Time now) {
  lately_ = lately(now) + 1;
  last_ = now;
}

/// One that began before the last early grant proves nothing about the time after it.
void EarlyGrants::brought_byte(Time begun) {
  if (!last_ || begun < *last_) return;
  targets_.clear();
  pause_until_ = {};
}

std::size_t EarlyGrants::lately(Time now) const {
  return last_ && now - *last_ < kRemembered ? lately_ : 0;
}

}  // namespace culvert
