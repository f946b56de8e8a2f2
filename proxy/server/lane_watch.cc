#include "server/lane_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenRounds{1'000};

}  // namespace

void LaneWatch::follow(const SessionContext& newest) {
  wanted_ = newest.config.balances_by_load();
  if (!wanted_) return rest();
  rounds_.open();
  if (!sessions_.empty()) on_session();
}

void LaneWatch::wake() { rounds_.start(kBetweenRounds); }

void LaneWatch::rest() {
  rounds_.reset();
  withdraw();
}

void LaneWatch::begin_round() {
  seen_before_ = std::exchange(seen_, {});
  for (Lane& lane : lanes_) {
    lane.idle = lane.moved = 0;
    lane.delivers = false;
  }
}

void LaneWatch::look(Session& session, Time now) {
  const auto moved = session.last_moved();
  if (!moved) return;
  Lane& lane = lane_of(session.upstream()->load);
  if (now - *moved >= SessionFacts::kMoving) ++lane.idle;
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

void LaneWatch::end_round() {
  if (sessions_.empty()) return rest();
  tell();
}

void LaneWatch::tell() {
  const auto took = rounds_.begun() - rounds_.begun_before();
  const auto between = std::chrono::round<milliseconds>(took).count();
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
}

}  // namespace culvert
