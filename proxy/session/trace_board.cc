#include "session/trace_board.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace culvert {

void TraceOrder::tell(const TraceStep& step, Log& log) {
  const std::lock_guard lock(mutex_);
  if (tell_) tell_(step, log);
}

void TraceOrder::close() {
  const std::lock_guard lock(mutex_);
  tell_ = nullptr;
}

void TraceBoard::add(std::shared_ptr<TraceOrder> order) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(order));
  drop_fulfilled();
}

void TraceBoard::remove(const TraceOrder& order) {
  const std::lock_guard lock(mutex_);
  std::erase_if(waiting_, [&](const auto& one) { return one.get() == &order; });
  drop_fulfilled();
}

TraceBoard::Orders TraceBoard::take(const HostPort& target, const Orders& known) {
  const std::lock_guard lock(mutex_);
  Orders out;
  for (const auto& order : waiting_) {
    const bool matches =
        std::any_of(order->targets_.begin(), order->targets_.end(),
                    [&](const TargetPattern& pattern) { return pattern.matches(target); });
    const bool has_it = std::find(known.begin(), known.end(), order) != known.end();
    if (!matches || has_it) continue;
    --order->left_;
    out.push_back(order);
  }
  drop_fulfilled();
  return out;
}

void TraceBoard::drop_fulfilled() {
  std::erase_if(waiting_, [](const auto& order) { return order->left_ == 0; });
  wants_.store(!waiting_.empty(), std::memory_order_relaxed);
}

TraceOrder::Tell trace_to_log() {
  return [](const TraceStep& step, Log& log) {
    std::string line = fmt::format("trace {} +{}.{:03} ms: ", step.session,
                                   step.after.count() / 1'000, step.after.count() % 1'000);
    for (const char c : step.text) {
      if (c == '\n') {
        line += " | ";
      } else {
        line += c;
      }
    }
    log.write_wanted(Log::Level::info, line);
  };
}

}  // namespace culvert
