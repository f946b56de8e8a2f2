#include "dial/second_look.h"

#include <algorithm>
#include <cerrno>

#include "dial/upstream.h"

namespace culvert {
namespace {

bool is_reset(const DialFailure& failure) {
  return failure.cause.sys == ECONNRESET || failure.cause.sys == EPIPE;
}

}  // namespace

SecondLook::SecondLook(const UpstreamRequest& request, Done done)
    : dial_(request, Done::to<&SecondLook::on_done>(this)),
      done_(done),
      timer_(request.loop, Callback<void()>::to<&SecondLook::on_timeout>(this)) {}

void SecondLook::on_done(UpstreamResult&& result) {
  if (result || !is_reset(result.error()) || replied() != Replied::nothing) {
    return done_(std::move(result));
  }
  reset_ = std::move(result).error();
  reconnect();
}

void SecondLook::reconnect() {
  const UpstreamRequest& request = dial_.request();
  timer_.start(std::min(request.connect_limit, request.left()));
  reconnection_ = request.upstream.transport->dial(request.upstream.config.address, Side::upstream,
                                                   AddressCheck{},
                                                   DialDone::to<&SecondLook::on_reconnected>(this));
  reconnection_->start();
}

void SecondLook::on_reconnected(DialResult result) {
  reconnection_.reset();
  if (result || result.error().code != Errc::connection_refused) {
    return finish(std::move(*reset_));
  }
  finish(connect_failure(dial_.request().upstream.config, std::move(result).error()));
}

DialFailure SecondLook::timeout_failure() const {
  if (reconnection_)
    return connect_timeout_failure(dial_.request().upstream.config, *reconnection_);
  return dial_.timeout_failure();
}

void SecondLook::finish(DialFailure failure) {
  timer_.stop();
  reconnection_.reset();
  UpstreamResult result(std::move(failure));
  done_(std::move(result));
}

}  // namespace culvert
