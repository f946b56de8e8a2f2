#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace culvert {

/// How long the turns of a loop keep others waiting, as far as they are long.
class LoopLag {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  /// A turn of at least so long is noted.
  static constexpr std::chrono::milliseconds kLong{2};
  /// What longest() looks back on.
  static constexpr std::chrono::seconds kMemory{60};

  [[gnu::cold, gnu::noinline]] void note(Time at, Duration took) {
    ++turns_;
    sum_ += took;
    Slot& slot = slots_[static_cast<std::size_t>(at.time_since_epoch() / kSlot) % kSlots];
    if (at - slot.begun >= kSlot) slot = {at, {}};
    slot.longest = std::max(slot.longest, took);
  }

  /// Of the last minute; 0 if there was no long turn in it.
  Duration longest(Time now) const {
    Duration longest{0};
    for (const Slot& slot : slots_) {
      if (now - slot.begun < kMemory) longest = std::max(longest, slot.longest);
    }
    return longest;
  }
  std::uint64_t turns() const { return turns_; }  ///< long ones
  Duration sum() const { return sum_; }           ///< of these

 private:
  static constexpr std::size_t kSlots = 6;
  static constexpr Duration kSlot = kMemory / kSlots;
  struct Slot {
    Time begun{};
    Duration longest{0};
  };

  std::array<Slot, kSlots> slots_{};
  std::uint64_t turns_ = 0;
  Duration sum_{0};
};

}  // namespace culvert
