#include "dial/prober.h"

#include <utility>

#include "dial/attempt_limits.h"

namespace culvert {

using std::chrono::milliseconds;

Prober::Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
               milliseconds interval)
    : loop_(loop),
      log_(log),
      upstream_(upstream),
      host_(host),
      interval_(interval),
      timer_(loop, Callback<void()>::to<&Prober::probe>(this)) {
  timer_.start(milliseconds(0));
}

Prober::~Prober() {
  if (dial_) upstream_.breaker.abandoned(permit_);
}

void Prober::probe() {
  permit_ = upstream_.begin_attempt(loop_.now());
  dial_ = std::make_unique<UpstreamDial>(loop_, upstream_, host_, UpstreamDial::Purpose::tunnel,
                                         AddressCheck{}, kConnectLimit, kAttemptLimit,
                                         DialDone::to<&Prober::on_done>(this));
  dial_->start();
}

void Prober::on_done(DialResult result) {
  dial_.reset();
  upstream_.probe_failed = !result;
  if (result) {
    upstream_.worked(permit_, loop_.now(), log_);
  } else {
    Error error = std::move(result).error();
    error.text = "probe: " + error.text;
    upstream_.failed(permit_, error, loop_.now(), log_);
  }
  timer_.start(interval_);
}

}  // namespace culvert
