#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <vector>

#include "base/callback.h"
#include "net/loop.h"
#include "session/session.h"

namespace culvert {

/// What a client has to send its request, where others wait for its descriptor.
inline constexpr std::chrono::milliseconds kTimeToAsk{50};
/// The same while many have waited for long.
inline constexpr std::chrono::milliseconds kLeastTimeToAsk{5};

/// Whether clients have been waiting for descriptors for a while, at any worker.
struct DescriptorPressure {
  /// When that was so last.
  std::atomic<Loop::Clock::time_point> felt_at{};
  /// The same for a long while.
  std::atomic<Loop::Clock::time_point> hard_at{};

  /// A queue has not been empty for so long.
  void note(std::chrono::milliseconds queued_for, Loop::Clock::time_point now);
};

/// Closes sessions of one worker for new clients while descriptors are short: those that were
/// refused, once they are answered, and those that wait for a request, first the ones that have
/// been there for the longest time.
///
/// Each has a moment to send its request: most clients do so at once.  While others have to wait
/// for long, it is the shorter the fewer descriptors there are for them, so that the queue moves
/// on.
class RoomMaker {
 public:
  using Sessions = std::vector<std::unique_ptr<Session>>;

  /// `waiting_closed` is called for each one that waited for a request, before it is closed.
  RoomMaker(const DescriptorPressure& pressure, Callback<void()> waiting_closed)
      : pressure_(pressure), waiting_closed_(waiting_closed) {}

  /// See Loop::set_make_room().  Sessions that end leave `sessions`.
  Loop::Room make_room(const Sessions& sessions, Loop::Clock::time_point now);
  /// Some that could be spared had an answer under way, or sent something, when it was asked last.
  bool could_after_turn() const { return could_after_turn_; }

 private:
  class Patience;
  bool close(Session& session, const Patience& patience, Loop::Clock::time_point now);

  const DescriptorPressure& pressure_;
  Callback<void()> waiting_closed_;
  bool could_after_turn_ = false;
};

}  // namespace culvert
