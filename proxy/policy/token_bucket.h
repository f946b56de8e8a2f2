#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace culvert {

/// A token bucket that is kept as one point in time: until when all that was taken from it is paid
/// for, at so many units a second (the generic cell rate algorithm).  So there is nothing to
/// refill, its rate may change at any time, and any thread may take from it without a lock.  A unit
/// is a byte, a request, or a connection.  While threads disagree about a rate that has just
/// changed, some units may come too early, none too late.
class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = Time::duration;

  /// Takes `units`, behind all that was taken before, and returns from when on they may be used:
  /// `now` or earlier means at once.  `burst`: how much an idle bucket has saved up, as the time in
  /// which that comes in.  `rate` is not 0.  What is owed since a lower rate is due sooner now.
  Time reserve(std::uint64_t units, std::uint64_t rate, Duration burst, Time now);
  /// Gives back what reserve() took and nobody used.
  void give_back(std::uint64_t units);
  /// Takes one unit if it is there: then 0, else how long until it will be.
  Duration take(std::uint64_t rate, Duration burst, Time now);
  /// It has saved up `burst`, or more: it is as good as a new one.
  bool is_full(Duration burst, Time now) const;

 private:
  void adapt_to(std::uint64_t rate, Time now);

  std::atomic<std::int64_t> paid_until_{INT64_MIN / 2};  // of the clock; at first long ago
  std::atomic<std::uint64_t> rate_{0};                   // of the last reserve()
};

}  // namespace culvert
