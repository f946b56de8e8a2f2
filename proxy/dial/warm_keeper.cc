#include "dial/warm_keeper.h"

#include <algorithm>
#include <utility>

#include "dial/upstream.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

// Proxies give a silent client some 30 s (dante) or more to make its request.
constexpr milliseconds kOldest{25'000};
constexpr milliseconds kRest{2'000};

}  // namespace

/// A connection that is being made ready.
struct WarmKeeper::Filling {
  explicit Filling(WarmKeeper& owner) : keeper(owner) {}
  void on_done(UpstreamResult&& result) { keeper.on_filled(*this, std::move(result)); }

  WarmKeeper& keeper;
  std::unique_ptr<UpstreamDial> dial;
};

WarmKeeper::WarmKeeper(Loop& loop, Upstream& upstream, std::size_t wanted)
    : loop_(loop),
      upstream_(upstream),
      pool_(upstream.warm),
      wanted_(wanted),
      watch_(loop, Callback<void()>::to<&WarmKeeper::on_readable>(this)),
      timer_(loop, Callback<void()>::to<&WarmKeeper::on_timer>(this)) {
  const std::lock_guard lock(pool_->mutex_);
  pool_->keeper_ = this;
  // The upstream is still being constructed: the first connections are dialed in the next turn.
  timer_.start(milliseconds(0));
}

WarmKeeper::~WarmKeeper() {
  const std::lock_guard lock(pool_->mutex_);
  pool_->keeper_ = nullptr;
  pool_->ready_.clear();
}

/// A worker has taken one, or discarded the rest.
void WarmKeeper::on_taken() {
  if (!resting_) fill();
}

void WarmKeeper::on_readable() {
  for (const std::uint64_t id : watch_.ready()) discard_spoiled(nullptr, id);
}

void WarmKeeper::on_ready(Stream& stream) { discard_spoiled(&stream, 0); }

void WarmKeeper::discard_spoiled(const Stream* stream, std::uint64_t id) {
  const std::lock_guard lock(pool_->mutex_);
  const auto found = std::find_if(
      pool_->ready_.begin(), pool_->ready_.end(),
      [&](const auto& ready) { return ready.stream.get() == stream || ready.id == id; });
  if (found == pool_->ready_.end() || is_quiet(*found->stream)) return;
  pool_->ready_.erase(found);
  // Paced: a proxy that closes idle connections would be dialed again and again.
  rest();
}

void WarmKeeper::fill() {
  while (pool_->size() + filling_.size() < wanted_ && !resting_) {
    filling_.push_back(std::make_unique<Filling>(*this));
    Filling& filling = *filling_.back();
    filling.dial =
        make_upstream_dial(upstream_request(loop_, upstream_, upstream_.config.address,
                                            DialPurpose::warm, AddressCheck{}, DialBudget{}),
                           UpstreamDial::Done::to<&Filling::on_done>(&filling));
    filling.dial->start();
  }
}

void WarmKeeper::on_filled(Filling& filling, UpstreamResult&& result) {
  std::erase_if(filling_, [&](const auto& own) { return own.get() == &filling; });
  // Not logged: requests meet the same failure, and report it.
  if (!result) return rest();
  const std::lock_guard lock(pool_->mutex_);
  auto& stream = *result;
  stream->detach();
  stream->set_events(this);
  watch_.add(stream->descriptor(), next_id_);
  pool_->ready_.push_back({next_id_++, std::move(stream), loop_.now()});
  if (!resting_ && !timer_.running()) timer_.start(kOldest);
}

void WarmKeeper::rest() {
  resting_ = true;
  timer_.start(kRest);
}

void WarmKeeper::on_timer() {
  resting_ = false;
  {
    const std::lock_guard lock(pool_->mutex_);
    auto& ready = pool_->ready_;
    std::erase_if(ready, [&](const auto& one) { return loop_.now() - one.since >= kOldest; });
    if (!ready.empty()) {
      timer_.start(std::chrono::ceil<milliseconds>(ready.front().since + kOldest - loop_.now()));
    }
  }
  fill();
}

}  // namespace culvert
