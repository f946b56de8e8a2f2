#include "dial/route_dial.h"

#include <algorithm>
#include <utility>

namespace culvert {

using std::chrono::milliseconds;

namespace {

// One attempt may not eat the budget of those behind it: connecting is over in 4 s or will not
// happen, and a proxy that has not answered in 8 s leaves 4 s for the next.
constexpr milliseconds kConnectLimit{4'000};
constexpr milliseconds kAttemptLimit{8'000};

}  // namespace

RouteDial::RouteDial(Loop& loop, std::vector<Upstream*> upstreams, const HostPort& target,
                     UpstreamDial::Purpose purpose, milliseconds budget, DialDone done)
    : loop_(loop),
      upstreams_(std::move(upstreams)),
      target_(target),
      purpose_(purpose),
      deadline_(loop.now() + budget),
      done_(done) {}

void RouteDial::try_next() {
  Upstream& upstream = *upstreams_[next_++];
  auto budget = std::chrono::ceil<milliseconds>(deadline_ - loop_.now());
  const bool last = next_ == upstreams_.size();
  if (!last) budget = std::min(budget, kAttemptLimit);
  attempt_ = std::make_unique<UpstreamDial>(loop_, upstream, target_, purpose_, kConnectLimit,
                                            budget, DialDone::to<&RouteDial::on_done>(this));
  attempt_->start();
}

void RouteDial::on_done(DialResult result) {
  if (result) return done_(std::move(result));
  failures_.push_back(std::move(result).error());
  if (next_ < upstreams_.size() && loop_.now() < deadline_) return try_next();
  done_(*std::max_element(failures_.begin(), failures_.end(), [](const Error& a, const Error& b) {
    return telling(a) < telling(b);
  }));
}

std::string RouteDial::failures() const {
  if (failures_.size() < 2) return {};
  std::string all;
  for (const Error& failure : failures_) {
    if (!all.empty()) all += "; ";
    all += failure.text;
  }
  return all;
}

}  // namespace culvert
