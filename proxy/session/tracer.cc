#include "session/tracer.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace culvert {

SessionTrace::SessionTrace(std::uint64_t session, Loop& loop, Log& log)
    : session_(session), loop_(&loop), log_(log), begun_(loop.now()) {}

void SessionTrace::step(std::string_view text) {
  if (loop_ == nullptr || steps_ > kMostSteps) return;
  tell(++steps_ > kMostSteps ? "more steps are left out" : text, false);
}

void SessionTrace::end(std::string_view text) {
  tell(text, true);
  loop_ = nullptr;
  orders_.clear();
}

void SessionTrace::tell(std::string_view text, bool last) {
  const TraceStep step{
      .session = session_,
      .time = std::chrono::system_clock::now(),
      .after = std::chrono::duration_cast<std::chrono::microseconds>(loop_->clock_time() - begun_),
      .text = std::string(text),
      .last = last};
  for (const auto& order : orders_) order->tell(step, log_);
}

SessionTrace* Tracer::consider(std::uint64_t session, const HostPort& target) {
  const auto known = traces_.find(session);
  const bool is_new = known == traces_.end();
  TraceBoard::Orders orders =
      board_.take(target, is_new ? TraceBoard::Orders() : known->second->orders_);
  if (is_new && orders.empty()) return nullptr;
  for (auto& order : orders) follow(session, std::move(order));
  return &of(session);
}

SessionTrace& Tracer::follow(std::uint64_t session, std::shared_ptr<TraceOrder> order) {
  auto& trace = traces_[session];
  if (!trace) trace = std::make_shared<SessionTrace>(session, loop_, log_);
  const auto known = std::find(trace->orders_.begin(), trace->orders_.end(), order);
  if (known == trace->orders_.end()) {
    trace->orders_.push_back(std::move(order));
    trace->steps_ = 0;
  }
  return *trace;
}

void Tracer::end(std::uint64_t session, std::string_view text) {
  const auto found = traces_.find(session);
  found->second->end(text);
  traces_.erase(found);
}

}  // namespace culvert
