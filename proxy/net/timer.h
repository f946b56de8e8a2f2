#pragma once

#include <chrono>
#include <cstddef>
#include <limits>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// Calls back once, a while after start().  Silent after stop() or destruction.  The callback may
/// destroy the timer.
class Timer {
 public:
  Timer(Loop& loop, Callback<void()> expired) : loop_(loop), expired_(expired) {}
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Counts from the time of this turn; starts anew if already running.
  void start(std::chrono::milliseconds delay);
  void stop();
  bool running() const { return index_ != kIdle; }

 private:
  friend class Loop;
  static constexpr std::size_t kIdle = std::numeric_limits<std::size_t>::max();

  Loop& loop_;
  Callback<void()> expired_;
  Loop::Clock::time_point deadline_;
  std::size_t index_ = kIdle;  // place in the loop's heap
};

}  // namespace culvert
