#include "net/name_board.h"

namespace culvert {

bool NameBoard::join(const Key& key, const void* who, Loop& loop, Told told) {
  const std::lock_guard lock(mutex_);
  const auto [name, is_new] = names_.try_emplace(key, Name{who, {}});
  if (!is_new) name->second.waiting.push_back({who, &loop, std::move(told)});
  return is_new;
}

void NameBoard::finish(const Key& key, const void* who, const Found& found) {
  const std::lock_guard lock(mutex_);
  const auto name = names_.find(key);
  if (name == names_.end() || name->second.asking != who) return;
  // Under the lock, as those who wait cannot leave meanwhile, and their loops live.
  for (Waiting& waiting : name->second.waiting) {
    waiting.loop->post([told = std::move(waiting.told), found] { told(&found); });
  }
  names_.erase(name);
}

void NameBoard::leave(const Key& key, const void* who) {
  const std::lock_guard lock(mutex_);
  const auto name = names_.find(key);
  if (name == names_.end()) return;
  auto& waiting = name->second.waiting;
  if (name->second.asking != who) {
    std::erase_if(waiting, [&](const Waiting& one) { return one.who == who; });
    return;
  }
  if (waiting.empty()) {
    names_.erase(name);
    return;
  }
  Waiting next = std::move(waiting.front());
  waiting.erase(waiting.begin());
  name->second.asking = next.who;
  next.loop->post([told = std::move(next.told)] { told(nullptr); });
}

}  // namespace culvert
