#include "session/pacer.h"

#include <algorithm>
#include <chrono>

namespace culvert {

Pacer::Pacer(Loop& loop, Bandwidth& bandwidth, const Bandwidth::Flow& flow, Callback<void()> ready)
    : bandwidth_(bandwidth),
      flow_(flow),
      ready_(ready),
      timer_(loop, Callback<void()>::to<&Pacer::on_turn>(this)) {}

void Pacer::set_flow(const Bandwidth::Flow& flow) {
  rest();
  flow_ = flow;
}

std::size_t Pacer::ask() {
  if (waits()) return 0;
  if (allowed_ == 0) take_turn(Bandwidth::kMostQuantum);
  return waits() ? 0 : allowed_;
}

void Pacer::charge(std::size_t bytes) {
  owed_ += bytes;
  pay();
}

/// As others do for what they read: a quantum, behind theirs, and then the next one.
void Pacer::pay() {
  while (owed_ > 0 && !waits()) {
    if (allowed_ == 0) take_turn(owed_);
    if (waits()) return;
    const std::size_t part = std::min(owed_, allowed_);
    allowed_ -= part;
    owed_ -= part;
    paid_ += part;
  }
  if (owed_ == 0) paid_ = 0;
}

void Pacer::take_turn(std::size_t most) {
  const auto now = timer_.loop().now();
  const Bandwidth::Grant grant = bandwidth_.take_turn(flow_, most, now);
  allowed_ = grant.bytes;
  if (grant.from <= now) return;
  waited_ = true;
  bandwidth_.begin_waiting(flow_);
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(grant.from - now));
}

void Pacer::on_turn() {
  pay();
  if (!waits()) ready_();
}

void Pacer::rest() {
  timer_.stop();
  bandwidth_.end_waiting(flow_);
  bandwidth_.give_back(flow_, std::exchange(allowed_, 0) + std::exchange(paid_, 0));
  owed_ = 0;
}

}  // namespace culvert
