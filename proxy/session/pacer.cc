#include "session/pacer.h"

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
  if (allowed_ > 0) return allowed_;
  const auto now = timer_.loop().now();
  const Bandwidth::Grant grant = bandwidth_.take_turn(flow_, now);
  allowed_ = grant.bytes;
  if (grant.from <= now) return allowed_;
  wait_until(grant.from);
  return 0;
}

void Pacer::charge(std::size_t bytes) {
  if (bytes == 0) return;
  const auto now = timer_.loop().now();
  const auto from = bandwidth_.charge(flow_, bytes, now);
  if (from <= now) return;
  in_debt_ = true;
  wait_until(from);
}

void Pacer::wait_until(Bandwidth::Time time) {
  waited_ = true;
  bandwidth_.begin_waiting(flow_);
  timer_.start(std::chrono::ceil<std::chrono::milliseconds>(time - timer_.loop().now()));
}

void Pacer::on_turn() {
  in_debt_ = false;
  ready_();
}

void Pacer::rest() {
  timer_.stop();
  in_debt_ = false;
  bandwidth_.end_waiting(flow_);
  bandwidth_.give_back(flow_, std::exchange(allowed_, 0));
}

}  // namespace culvert
