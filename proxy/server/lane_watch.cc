#include "server/lane_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "net/walk_part.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenWalks{1'000};
constexpr milliseconds kBetweenSlices{1};

}  // namespace

void LaneWatch::follow(const SessionContext& newest) {
  wanted_ = newest.config.balances_by_load();
  if (!wanted_) return rest();
  ticker_.open();
  if (!sessions_.empty()) on_session();
}

void LaneWatch::wake() { ticker_.start(kBetweenWalks); }

void LaneWatch::rest() {
  ticker_.stop();
  withdraw();
}

void LaneWatch::on_tick() {
  if (sessions_.empty()) return rest();
  if (next_ == 0) begin();
  look_at_some();
  if (next_ > 0) return ticker_.hurry(kBetweenSlices);
  tell();
}

void LaneWatch::begin() {
  begun_before_ = std::exchange(begun_, loop_.now());
  next_ = sessions_.size();
  seen_before_ = std::exchange(seen_, {});
  for (Lane& lane : lanes_) {
    lane.idle = lane.moved = 0;
    lane.delivers = false;
  }
}

/// From the last one downwards: one that ends gives its place to one that was looked at, or is new.
void LaneWatch::look_at_some() {
  WalkPart part(loop_);
  next_ = std::min(next_, sessions_.size());
  while (next_ > 0) {
    look(*sessions_[--next_], loop_.now());
    if (part.is_over_after_one()) return;
  }
}

void LaneWatch::look(const Session& session, Time now) {
  const auto moved = session.last_moved();
  if (!moved) return;
  Lane& lane = lane_of(session.upstream()->load);
  if (now - *moved >= kIdle) ++lane.idle;
  const std::uint64_t bytes = session.bytes_moved();
  if (bytes < kLong) return;
  seen_.emplace(session.id(), bytes);
  const auto before = seen_before_.find(session.id());
  if (before == seen_before_.end() || before->second >= bytes) return;
  lane.moved += static_cast<std::int64_t>(bytes - before->second);
  lane.delivers = true;
}

LaneWatch::Lane& LaneWatch::lane_of(const std::shared_ptr<UpstreamLoad>& load) {
  const auto found = std::find_if(lanes_.begin(), lanes_.end(),
                                  [&](const Lane& lane) { return lane.load == load; });
  if (found != lanes_.end()) return *found;
  return lanes_.emplace_back(Lane{.load = load});
}

void LaneWatch::tell() {
  const auto between = std::chrono::round<milliseconds>(begun_ - begun_before_).count();
  for (Lane& lane : lanes_) {
    const std::int64_t rate = lane.moved * 1'000 / std::max<std::int64_t>(between, 1);
    lane.load->add_idle(lane.idle - std::exchange(lane.told_idle, lane.idle));
    lane.load->add_rate(rate - std::exchange(lane.told_rate, rate));
    if (lane.delivers) lane.load->delivers(loop_.now());
  }
}

void LaneWatch::withdraw() {
  for (const Lane& lane : lanes_) {
    lane.load->add_idle(-lane.told_idle);
    lane.load->add_rate(-lane.told_rate);
  }
  lanes_.clear();
  seen_.clear();
  next_ = 0;
}

}  // namespace culvert
