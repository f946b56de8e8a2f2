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
    : dial_(request, Done::to<&SecondLook::on_done>(this)), done_(done) {}

void SecondLook::on_done(UpstreamResult&& result) {
  if (result || !is_reset(result.error()) || replied() != Replied::nothing) {
    return done_(std::move(result));
  }
  reconnect(std::move(result).error());
}

void SecondLook::reconnect(DialFailure reset) {
  const UpstreamRequest& request = dial_.request();
  look_ = std::make_unique<Look>(
      std::move(reset), request.loop, Callback<void()>::to<&SecondLook::on_timeout>(this),
      request.upstream.transport->dial(request.upstream.config.address, Side::upstream,
                                       AddressCheck{},
                                       DialDone::to<&SecondLook::on_reconnected>(this)));
  look_->timer.start(std::min(request.connect_limit, request.left()));
  look_->reconnection->start();
}

void SecondLook::on_reconnected(DialResult result) {
  if (result || result.error().code != Errc::connection_refused) {
    return finish(std::move(look_->reset));
  }
  finish(connect_failure(dial_.request().upstream.config, std::move(result).error()));
}

DialFailure SecondLook::timeout_failure() const {
  if (look_) {
    return connect_timeout_failure(dial_.request().upstream.config, *look_->reconnection);
  }
  return dial_.timeout_failure();
}

void SecondLook::finish(DialFailure failure) {
  look_.reset();
  done_(std::move(failure));
}

}  // namespace culvert
