#include "session/stall_watch.h"

#include <algorithm>
#include <utility>

#include "dial/upstream_protocol.h"

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
  if (watched_.empty()) timer_.stop();
}

void StallWatch::on_tick() {
  timer_.start(tick_);
  std::vector<const Watched*> stalled;
  for (auto& [relay, watched] : watched_) {
    watched.stalled = has_stalled(*relay, watched);
    if (!watched.stalled) continue;
    watched.upstream->stalled(watched.since, limit_, loop_.now(), log_);
    stalled.push_back(&watched);
  }
  std::vector<Relay*> ending;
  for (const auto& [relay, watched] : watched_) {
    if (watched.stalled || is_silent_with_others(watched, stalled)) ending.push_back(relay);
  }
  // Each of them is removed by its owner.
  for (Relay* relay : ending) relay->end_stalled();
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
