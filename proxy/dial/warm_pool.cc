#include "dial/warm_pool.h"

#include <algorithm>
#include <utility>

#include "dial/attempt_limits.h"
#include "dial/proxy_dial.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

// Proxies give a client that says nothing some 30 s (dante) or more to make its request.
constexpr milliseconds kOldest{25'000};
constexpr milliseconds kRest{2'000};

}  // namespace

/// A connection on its way to being ready.
struct WarmPool::Filling {
  void on_done(DialResult result) { pool.on_filled(*this, std::move(result)); }

  WarmPool& pool;
  std::unique_ptr<ProxyDial> dial;
};

WarmPool::WarmPool(Loop& loop, Upstream& upstream, std::size_t wanted)
    : loop_(loop),
      upstream_(upstream),
      wanted_(wanted),
      timer_(loop, Callback<void()>::to<&WarmPool::on_timer>(this)) {
  // The upstream is still being put together: the first ones are dialed in the next turn.
  timer_.start(milliseconds(0));
}

WarmPool::~WarmPool() = default;

std::unique_ptr<Stream> WarmPool::take() {
  std::unique_ptr<Stream> taken;
  while (!taken && !ready_.empty()) {
    // The newest is the least likely to be stale.
    taken = std::move(ready_.back().stream);
    ready_.pop_back();
    if (!is_quiet(*taken)) taken.reset();
  }
  if (taken) taken->set_events(nullptr);
  // Dialing begins when this request is on its way.
  if (!resting_) timer_.start(milliseconds(0));
  return taken;
}

void WarmPool::distrust() {
  ready_.clear();
  if (!resting_) timer_.start(milliseconds(0));
}

void WarmPool::on_ready(Stream& stream) {
  if (is_quiet(stream)) return;
  std::erase_if(ready_, [&](const Ready& ready) { return ready.stream.get() == &stream; });
  // A proxy that hangs up on quiet clients would be called again and again.
  resting_ = true;
  timer_.start(kRest);
}

void WarmPool::fill() {
  while (ready_.size() + filling_.size() < wanted_ && !resting_) {
    filling_.push_back(std::unique_ptr<Filling>(new Filling{*this, nullptr}));
    Filling& filling = *filling_.back();
    filling.dial = std::make_unique<ProxyDial>(
        loop_, upstream_, upstream_.config.address, ProxyDial::Purpose::warm, AddressCheck{},
        kConnectLimit, kAttemptLimit, DialDone::to<&Filling::on_done>(&filling));
    filling.dial->start();
  }
}

void WarmPool::on_filled(Filling& filling, DialResult result) {
  std::erase_if(filling_, [&](const auto& own) { return own.get() == &filling; });
  if (result) {
    (*result)->set_events(this);
    ready_.push_back({std::move(*result), loop_.now()});
    if (!resting_ && !timer_.running()) timer_.start(kOldest);
    return;
  }
  // Requests meet the trouble by themselves, and report it.
  resting_ = true;
  timer_.start(kRest);
}

void WarmPool::on_timer() {
  resting_ = false;
  std::erase_if(ready_, [&](const Ready& ready) { return loop_.now() - ready.since >= kOldest; });
  if (!ready_.empty()) {
    timer_.start(std::chrono::ceil<milliseconds>(ready_.front().since + kOldest - loop_.now()));
  }
  fill();
}

}  // namespace culvert
