#include "policy/pending_lookups.h"

#include <algorithm>

namespace culvert {

using std::chrono::milliseconds;

void PendingLookups::add(Entry& entry, const HostPort& target, Time now) {
  const std::lock_guard lock(mutex_);
  entry.target_ = &target;
  entry.begun_ = now;
  entry.before_ = newest_;
  entry.after_ = nullptr;
  (newest_ != nullptr ? newest_->after_ : oldest_) = &entry;
  newest_ = &entry;
}

void PendingLookups::remove(Entry& entry, Time now) {
  const std::lock_guard lock(mutex_);
  (entry.before_ != nullptr ? entry.before_->after_ : oldest_) = entry.after_;
  (entry.after_ != nullptr ? entry.after_->before_ : newest_) = entry.before_;
  if (const auto time = waited(entry, now); time >= kSlow) {
    last_slow_ = Slow{entry.target_->to_string(), time};
    last_slow_end_ = now;
  }
  entry.target_ = nullptr;
}

std::optional<PendingLookups::Slow> PendingLookups::slow(Time since, Time now) const {
  const std::lock_guard lock(mutex_);
  if (oldest_ != nullptr) {
    const auto time = waited(*oldest_, now);
    if (time >= kSlow) return Slow{oldest_->target_->to_string(), time};
  }
  if (last_slow_ && last_slow_end_ >= since) return last_slow_;
  return std::nullopt;
}

/// Another worker's clock may be a turn of its loop ahead.
milliseconds PendingLookups::waited(const Entry& entry, Time now) {
  return std::max(std::chrono::round<milliseconds>(now - entry.begun_), milliseconds(0));
}

}  // namespace culvert
