#include "session/stall_watch.h"

#include <algorithm>
#include <utility>

#include "dial/upstream_protocol.h"
#include "net/walk_part.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

std::uint64_t bytes_in(const StallLimit& limit) {
  const auto bytes = limit.rate * static_cast<std::uint64_t>(limit.time.count()) / 1000;
  return std::max<std::uint64_t>(bytes, 1);
}

}  // namespace

StallWatch::StallWatch(Loop& loop, Log& log, const StallLimit& limit)
    : loop_(loop),
      log_(log),
      limit_(limit),
      tick_(std::clamp(limit.time / 8, milliseconds(100), milliseconds(2'000))),
      enough_(bytes_in(limit)),
      timer_(loop, Callback<void()>::to<&StallWatch::on_tick>(this)) {}

void StallWatch::add(Relay& relay, Upstream& upstream, std::string_view target) {
  const Time now = loop_.now();
  watched_.insert_or_assign(&relay, Watched{.upstream = &upstream,
                                            .target = target,
                                            .heard = now,
                                            .since = now,
                                            .moved = relay.moved()});
  if (!timer_.running()) timer_.start(tick_);
}

void StallWatch::remove(const Relay& relay) {
  watched_.erase(const_cast<Relay*>(&relay));
  if (!watched_.empty()) return;
  timer_.stop();
  unseen_.clear();
}

void StallWatch::on_tick() {
  if (unseen_.empty()) {
    unseen_.reserve(watched_.size());
    for (const auto& entry : watched_) unseen_.push_back(entry.first);
    if (unseen_.size() > WalkPart::kMost) return timer_.start(kBetweenParts);
  }
  look_at_some();
  if (!unseen_.empty()) return timer_.start(kBetweenParts);
  timer_.start(tick_);
  end_stalled();
}

/// The kernel is asked about each that is quiet.
void StallWatch::look_at_some() {
  WalkPart part(loop_);
  while (!unseen_.empty()) {
    const auto found = watched_.find(unseen_.back());
    unseen_.pop_back();
    if (found == watched_.end()) continue;
    auto& [relay, watched] = *found;
    if (has_stalled(*relay, watched)) {
      stalled_.push_back(relay);
    } else if (is_silent_with_others(watched, {})) {
      silent_.push_back(relay);
    }
    if (part.is_over_after_one()) return;
  }
}

void StallWatch::end_stalled() {
  std::vector<Relay*> ending;
  std::vector<const Watched*> stalled;
  // Since their part of the look they may have moved, or ended and given their place to another.
  for (Relay* const relay : std::exchange(silent_, {})) {
    const auto found = watched_.find(relay);
    if (found != watched_.end() && is_silent_with_others(found->second, {})) {
      ending.push_back(relay);
    }
  }
  for (Relay* const relay : std::exchange(stalled_, {})) {
    const auto found = watched_.find(relay);
    if (found == watched_.end() || !has_stalled(*relay, found->second)) continue;
    const Watched& watched = found->second;
    watched.upstream->stalled(watched.since, limit_, loop_.now(), log_);
    stalled.push_back(&watched);
    ending.push_back(relay);
  }
  if (!stalled.empty()) {
    for (const auto& [relay, watched] : watched_) {
      if (is_silent_with_others(watched, stalled)) ending.push_back(relay);
    }
  }
  // Each of them is removed by its owner; some may be there twice, or gone.
  for (Relay* const relay : ending) {
    if (watched_.contains(relay)) relay->end_stalled();
  }
}

bool StallWatch::has_stalled(Relay& relay, Watched& watched) {
  const Time now = loop_.now();
  const std::uint64_t moved = relay.moved();
  const std::uint64_t received = relay.bytes_down();
  if (received != std::exchange(watched.received, received)) watched.heard = now;
  const bool enough = moved - watched.moved >= enough_;
  const bool held_up_by_us = relay.take_paced();
  if (enough || held_up_by_us || relay.client_is_slow() || relay.upstream_has_finished()) {
    watched.moved = moved;
    watched.since = now;
    if (!enough) watched.heard = now;
    return false;
  }
  return now - watched.since >= limit_.time && relay.bytes_up() + relay.bytes_down() >= kLeast;
}

/// Since a tunnel of the same upstream stalled, nothing has come in this one either.
bool StallWatch::is_silent_with_others(const Watched& watched,
                                       const std::vector<const Watched*>& stalled) const {
  if (protocol_of(watched.upstream->config).has_proxy) {
    const auto stall = watched.upstream->health->last_stall();
    return stall && watched.heard <= *stall + 2 * tick_;
  }
  return std::any_of(stalled.begin(), stalled.end(), [&](const Watched* other) {
    return other->upstream == watched.upstream && other->target == watched.target &&
           watched.heard <= other->since + 2 * tick_;
  });
}

}  // namespace culvert
