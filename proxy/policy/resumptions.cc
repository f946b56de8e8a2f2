#include "policy/resumptions.h"

#include <algorithm>

namespace culvert {

void Resumptions::lost(std::string_view target, Time now) {
  const std::lock_guard lock(mutex_);
  if (lost_.size() >= kMostTargets) make_room(now);
  lost_.insert_or_assign(std::string(target), now);
  empty_.store(false, std::memory_order_release);
}

bool Resumptions::is_resumption(std::string_view target, Time now) const {
  const std::lock_guard lock(mutex_);
  const auto found = lost_.find(std::string(target));
  return found != lost_.end() && now - found->second < kMemory;
}

void Resumptions::make_room(Time now) {
  std::erase_if(lost_, [&](const auto& entry) { return now - entry.second >= kMemory; });
  if (lost_.size() < kMostTargets) return;
  lost_.erase(std::min_element(lost_.begin(), lost_.end(), [](const auto& one, const auto& other) {
    return one.second < other.second;
  }));
}

bool Resumptions::begin_hold() {
  if (held_.fetch_add(1, std::memory_order_relaxed) < kMostHeld) return true;
  end_hold();
  return false;
}

}  // namespace culvert
