#include "server/room_maker.h"

#include <algorithm>
#include <cstddef>
#include <span>

namespace culvert {
namespace {

using std::chrono::milliseconds;
using Time = Loop::Clock::time_point;

constexpr std::size_t kRoomAtATime = 16;
constexpr std::size_t kWaitingInFullTime = 32;
// For clients that wait for answers before they ask.
constexpr milliseconds kLeastTimeForTurns{30};
constexpr milliseconds kPressed{150};
constexpr milliseconds kHardPressed{400};

/// Refused ones first, then those that have waited for the longest time.
bool gives_way_before(const Session* one, const Session* other) {
  const bool waits = one->awaits_request();
  if (waits != other->awaits_request()) return !waits;
  return one->started() < other->started();
}

}  // namespace

void DescriptorPressure::note(milliseconds queued_for, Time now) {
  if (queued_for >= kPressed) felt_at = now;
  if (queued_for >= kHardPressed) hard_at = now;
}

/// How much time clients have, of whom `waiting` are there.
class RoomMaker::Patience {
 public:
  Patience(const DescriptorPressure& pressure, std::size_t waiting, Time now)
      : pressed_(now - pressure.felt_at.load() < kPressed),
        least_for_turns_(now - pressure.hard_at.load() < kPressed ? kLeastTimeToAsk
                                                                  : kLeastTimeForTurns),
        share_(static_cast<int>(std::min(waiting, kWaitingInFullTime))) {}

  milliseconds to_ask() const { return share_of(kTimeToAsk, kLeastTimeToAsk); }
  milliseconds to_take_turns(milliseconds turns) const {
    return share_of(kTimeToAsk + turns, least_for_turns_);
  }

 private:
  milliseconds share_of(milliseconds time, milliseconds least) const {
    if (!pressed_) return time;
    return std::max(least, time * share_ / static_cast<int>(kWaitingInFullTime));
  }

  bool pressed_;
  milliseconds least_for_turns_;
  int share_;
};

Loop::Room RoomMaker::make_room(const Sessions& sessions, Time now) {
  could_after_turn_ = false;
  std::vector<Session*> spared;
  for (const auto& session : sessions) {
    if (session->can_be_spared(now)) spared.push_back(session.get());
  }
  const auto waiting = std::count_if(spared.begin(), spared.end(),
                                     [](const Session* one) { return one->awaits_request(); });
  const Patience patience(pressure_, static_cast<std::size_t>(waiting), now);
  const Time asked_before = now - patience.to_ask();
  const bool others_later = std::erase_if(spared, [asked_before](const Session* one) {
                              return !one->can_be_spared(asked_before);
                            }) > 0;
  const std::size_t count = std::min(kRoomAtATime, spared.size());
  std::partial_sort(spared.begin(), spared.begin() + static_cast<std::ptrdiff_t>(count),
                    spared.end(), gives_way_before);
  auto room = others_later || count > 0 ? Loop::Room::soon : Loop::Room::none;
  for (Session* const session : std::span(spared).first(count)) {
    if (close(*session, patience, now)) room = Loop::Room::made;
  }
  could_after_turn_ = could_after_turn_ && room != Loop::Room::made;
  return room;
}

bool RoomMaker::close(Session& session, const Patience& patience, Time now) {
  const milliseconds turns = session.time_for_turns();
  if (turns.count() > 0 && session.started() > now - patience.to_take_turns(turns)) return false;
  if (!session.is_settled()) {
    could_after_turn_ = true;
    return false;
  }
  if (session.awaits_request()) waiting_closed_();
  session.give_way();
  return true;
}

}  // namespace culvert
