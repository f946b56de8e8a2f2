#pragma once

#include <chrono>

#include "base/callback.h"
#include "net/loop.h"
#include "net/timer_heap.h"

namespace culvert {

/// Calls back once, a while after start().  Silent after stop() or destruction.  The callback may
/// destroy the timer.
class Timer : private TimerHeap::Entry {
 public:
  Timer(Loop& loop, Callback<void()> expired) : loop_(loop), expired_(expired) {}
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Counts from the time of this turn; restarts if already running.
  void start(std::chrono::milliseconds delay);
  void stop();
  bool running() const { return in_heap(); }
  Loop& loop() const { return loop_; }

 private:
  friend class Loop;

  Loop& loop_;
  Callback<void()> expired_;
};

}  // namespace culvert
