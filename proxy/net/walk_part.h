#pragma once

#include <chrono>
#include <cstddef>

#include "net/loop.h"

namespace culvert {

/// One part of a walk over many things, so short that nobody notices: some hundred system calls.
class WalkPart {
 public:
  static constexpr std::chrono::microseconds kTime{400};
  static constexpr std::size_t kMost = 2'048;

  /// It begins now.
  explicit WalkPart(const Loop& loop) : loop_(loop), end_(loop.clock_time() + kTime) {}
  /// One more was looked at: whether that was the last one of this part.
  bool is_over_after_one() {
    ++count_;
    return count_ == kMost || (count_ % kBetweenClocks == 0 && loop_.clock_time() >= end_);
  }

 private:
  static constexpr std::size_t kBetweenClocks = 16;

  const Loop& loop_;
  Loop::Clock::time_point end_;
  std::size_t count_ = 0;
};

}  // namespace culvert
