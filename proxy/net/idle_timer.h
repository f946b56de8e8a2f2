#pragma once

#include <chrono>

#include "base/callback.h"
#include "net/loop.h"
#include "net/timer.h"

namespace culvert {

/// Calls back once nothing has moved for a while.  Cheap on a busy connection: progress only moves
/// a time stamp, which the timer looks at when it fires and not before.
class IdleTimer {
 public:
  /// `expired` may destroy the timer.
  IdleTimer(Loop& loop, Callback<void()> expired)
      : expired_(expired), timer_(loop, Callback<void()>::to<&IdleTimer::on_timer>(this)) {}

  /// Counts from the time of this turn, restarts if already running: expires when there was no
  /// progress() for `limit` (0: that is never), and at `latest` whatever moves.
  void start(std::chrono::milliseconds limit,
             Loop::Clock::time_point latest = Loop::Clock::time_point::max());
  void stop() { timer_.stop(); }
  Loop::Clock::time_point latest() const { return latest_; }
  /// It is `latest`.
  bool is_late() const { return now() >= latest_; }
  Loop& loop() const { return timer_.loop(); }
  /// Something has moved in this turn.
  void progress() { last_progress_ = now(); }
  /// When something has moved last; the start counts.
  Loop::Clock::time_point last_progress() const { return last_progress_; }

 private:
  void arm();
  void on_timer();
  Loop::Clock::time_point now() const { return loop().now(); }
  Loop::Clock::time_point due() const;

  Callback<void()> expired_;
  Timer timer_;
  std::chrono::milliseconds limit_{0};
  Loop::Clock::time_point last_progress_;
  Loop::Clock::time_point latest_ = Loop::Clock::time_point::max();
};

}  // namespace culvert
