#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace culvert {

/// How often something took how long: counts in fixed buckets, and the sum.  For one thread.
class TimeHistogram {
 public:
  using Duration = std::chrono::nanoseconds;

  /// The longest time of each bucket, in milliseconds; one more holds whatever is longer.
  static constexpr std::array<std::uint32_t, 13> kBounds = {
      5, 10, 25, 50, 100, 250, 500, 1'000, 2'500, 5'000, 10'000, 30'000, 60'000};
  static constexpr std::size_t kBuckets = kBounds.size() + 1;

  void add(Duration took) {
    std::size_t bucket = 0;
    while (bucket < kBounds.size() && took > std::chrono::milliseconds(kBounds[bucket])) ++bucket;
    ++counts_[bucket];
    sum_ += took;
  }
  TimeHistogram& operator+=(const TimeHistogram& other) {
    for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
    sum_ += other.sum_;
    return *this;
  }

  /// Of this bucket alone.
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const std::uint64_t count : counts_) sum += count;
    return sum;
  }
  Duration sum() const { return sum_; }

 private:
  std::array<std::uint64_t, kBuckets> counts_{};
  Duration sum_{0};
};

}  // namespace culvert
