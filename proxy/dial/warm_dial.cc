#include "dial/warm_dial.h"

#include <algorithm>
#include <utility>

#include "dial/upstream.h"
#include "dial/warm_pool.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

// A connection that has waited may be dead without a sign of it: this machine slept, or a NAT
// forgot it.  A proxy that answers at all mostly does so sooner.
constexpr milliseconds kWarmPatience{1'000};

}  // namespace

WarmDial::WarmDial(const UpstreamRequest& request, Done done)
    : request_(request),
      done_(done),
      patience_(request.loop, Callback<void()>::to<&WarmDial::on_patience_over>(this)) {}

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
  patience_.start(std::min(kWarmPatience, request_.left() / 2));
  pooled_->start();
}

void WarmDial::dial_fresh(const UpstreamRequest& request) {
  fresh_ = make_fresh_dial(request, Done::to<&WarmDial::on_fresh_done>(this));
  fresh_->start();
}

/// The silent connection is kept: perhaps it is only the target that is slow.
void WarmDial::on_patience_over() {
  if (pooled_->replied() != Replied::nothing || request_.left().count() == 0) return;
  UpstreamRequest request = request_;
  request.begun = request_.loop.now();
  dial_fresh(request);
}

void WarmDial::on_pooled_done(UpstreamResult&& result) {
  if (result || !is_no_answer(result.error())) {
    fresh_.reset();
    return finish(std::move(result));
  }
  // It went stale in the pool: nobody needs to know.
  patience_.stop();
  pooled_.reset();
  if (fresh_failure_) return finish(std::move(*fresh_failure_));
  if (!fresh_) dial_fresh(request_);
}

/// The end of the pooled connection tells nothing about the request.
bool WarmDial::is_no_answer(const DialFailure& failure) const {
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
  if (result && pooled_ && request_.upstream.warm) request_.upstream.warm->distrust();
  pooled_.reset();
  finish(std::move(result));
}

DialFailure WarmDial::overdue() const {
  return fresh_ && !fresh_failure_ ? fresh_->overdue() : pooled_->overdue();
}

Replied WarmDial::replied() const {
  const Replied pooled = pooled_ ? pooled_->replied() : Replied::nothing;
  return std::max(pooled, fresh_ ? fresh_->replied() : Replied::nothing);
}

DialTimes WarmDial::times() const {
  if (pooled_) return pooled_->times();
  if (fresh_) return fresh_->times();
  return {.begun = request_.begun};
}

void WarmDial::finish(UpstreamResult&& result) {
  patience_.stop();
  done_(std::move(result));
}

}  // namespace culvert
