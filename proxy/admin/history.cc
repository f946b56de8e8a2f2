#include "admin/history.h"

namespace culvert {

void History::look(std::uint64_t up, std::uint64_t down, Time now) {
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(now - last_);
  const bool missed = begun_ && passed > 2 * kInterval;
  if (missed) rates_.clear();
  if (begun_ && !missed && passed.count() > 0) {
    const auto time = static_cast<std::uint64_t>(passed.count());
    if (rates_.size() == kMost) rates_.erase(rates_.begin());
    rates_.push_back({(up - up_) * 1000 / time, (down - down_) * 1000 / time});
  }
  begun_ = true;
  up_ = up;
  down_ = down;
  last_ = now;
}

}  // namespace culvert
