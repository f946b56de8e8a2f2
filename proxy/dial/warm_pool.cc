#include "dial/warm_pool.h"

#include <utility>

#include "dial/warm_keeper.h"

namespace culvert {

std::unique_ptr<Stream> WarmPool::take(Loop& loop) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Stream> taken;
  while (!taken && !ready_.empty()) {
    // The newest is the least likely to be stale.
    keeper_->watch().remove(ready_.back().stream->descriptor());
    taken = std::move(ready_.back().stream);
    ready_.pop_back();
    taken->set_events(nullptr);
    if (!is_quiet(*taken) || taken->attach(loop) != 0) taken.reset();
  }
  wake_keeper();
  return taken;
}

void WarmPool::discard_all() {
  const std::lock_guard lock(mutex_);
  ready_.clear();
  wake_keeper();
}

std::size_t WarmPool::size() const {
  const std::lock_guard lock(mutex_);
  return ready_.size();
}

/// The keeper runs in another thread, and may be gone by the time the deferred call runs.
void WarmPool::wake_keeper() {
  if (keeper_ == nullptr) return;
  keeper_->loop().post([weak = weak_from_this()] {
    const auto pool = weak.lock();
    if (!pool) return;
    WarmKeeper* keeper = nullptr;
    {
      const std::lock_guard lock(pool->mutex_);
      keeper = pool->keeper_;
    }
    // Only this thread destroys it.
    if (keeper != nullptr) keeper->on_taken();
  });
}

}  // namespace culvert
