#include "dial/warm_dial.h"

#include <algorithm>
#include <utility>

#include "dial/upstream.h"
#include "dial/warm_pool.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

// A pooled connection may have died unnoticed: this machine slept, or a NAT dropped its entry.  A
// working proxy mostly replies sooner than this.
constexpr milliseconds kWarmSilence{1'000};

}  // namespace

WarmDial::WarmDial(const UpstreamRequest& request, Done done)
    : request_(request),
      done_(done),
      silence_timer_(request.loop, Callback<void()>::to<&WarmDial::on_silent>(this)) {}

void WarmDial::start() {
  if (auto objection = objection_to(request_)) return finish(std::move(*objection));
  WarmPool* const pool = request_.upstream.warm.get();
  if (auto stream = pool != nullptr ? pool->take(request_.loop) : nullptr)
    return dial_pooled(std::move(stream));
  dial_fresh(request_);
}

void WarmDial::dial_pooled(std::unique_ptr<Stream> stream) {
  pooled_ = std::make_unique<ProxyDial>(request_, Done::to<&WarmDial::on_pooled_done>(this),
                                        std::move(stream));
  silence_timer_.start(std::min(kWarmSilence, request_.left() / 2));
  pooled_->start();
}

void WarmDial::dial_fresh(const UpstreamRequest& request) {
  fresh_ = make_fresh_dial(request, Done::to<&WarmDial::on_fresh_done>(this));
  fresh_->start();
}

/// The silent connection is kept: perhaps only the target is slow.
void WarmDial::on_silent() {
  if (pooled_->replied() != Replied::nothing || request_.left().count() == 0) return;
  UpstreamRequest request = request_;
  request.begun = request_.loop.now();
  dial_fresh(request);
}

void WarmDial::on_pooled_done(UpstreamResult&& result) {
  if (result || !proves_nothing(result.error())) {
    fresh_.reset();
    return finish(std::move(result));
  }
  // It went stale in the pool: not reported.
  silence_timer_.stop();
  pooled_.reset();
  if (fresh_failure_) return finish(std::move(*fresh_failure_));
  if (!fresh_) dial_fresh(request_);
}

/// The end of the pooled connection proves nothing about the request.
bool WarmDial::proves_nothing(const DialFailure& failure) const {
  // Both have the same deadline, and then the fresh one's failure is reported.
  if (failure.waited) return fresh_ != nullptr;
  return failure.cause.too_late || pooled_->replied() == Replied::nothing;
}

void WarmDial::on_fresh_done(UpstreamResult&& result) {
  const bool answered =
      result || (fresh_->replied() != Replied::nothing && !result.error().proxy_failed());
  if (pooled_ && !answered) {
    fresh_failure_ = std::move(result).error();
    return;
  }
  if (result && pooled_ && request_.upstream.warm) request_.upstream.warm->discard_all();
  pooled_.reset();
  finish(std::move(result));
}

DialFailure WarmDial::timeout_failure() const {
  return fresh_ && !fresh_failure_ ? fresh_->timeout_failure() : pooled_->timeout_failure();
}

Replied WarmDial::replied() const {
  const Replied pooled = pooled_ ? pooled_->replied() : Replied::nothing;
  return std::max(pooled, fresh_ ? fresh_->replied() : Replied::nothing);
}

DialTimes WarmDial::times() const {
  if (pooled_) return pooled_->times();
  DialTimes times = fresh_ ? fresh_->times() : DialTimes{};
  times.begun = request_.begun;  // what was waited for the pooled one counts
  return times;
}

void WarmDial::finish(UpstreamResult&& result) {
  silence_timer_.stop();
  done_(std::move(result));
}

}  // namespace culvert
