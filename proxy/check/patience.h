#pragma once

#include <chrono>
#include <utility>

#include "check/way.h"
#include "net/stream.h"
#include "net/timer.h"

namespace culvert {

/// Waits for a stream, for so long in all.
class Patience final : private StreamEvents {
 public:
  /// Both outlive it.  The stream's events are ours from now on.
  Patience(Way& way, Stream& stream, std::chrono::milliseconds limit)
      : way_(way),
        limit_(limit),
        timer_(way.loop(), Callback<void()>::to<&Patience::expire>(this)) {
    stream.set_events(this);
    timer_.start(limit);
  }
  Patience(const Patience&) = delete;
  Patience& operator=(const Patience&) = delete;

  /// True when what would have blocked can be tried again; false: the time is over, or that of the
  /// whole check.
  bool wait() {
    while (!ready_ && !timed_out_) {
      if (!way_.turn()) return false;
    }
    return std::exchange(ready_, false);
  }
  bool timed_out() const { return timed_out_; }
  std::chrono::milliseconds limit() const { return limit_; }

 private:
  void on_ready(Stream&) override { ready_ = true; }
  void expire() { timed_out_ = true; }

  Way& way_;
  std::chrono::milliseconds limit_;
  Timer timer_;
  bool ready_ = false;
  bool timed_out_ = false;
};

}  // namespace culvert
