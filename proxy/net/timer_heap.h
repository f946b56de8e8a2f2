#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <vector>

namespace culvert {

/// Finds the earliest of many deadlines.  A binary heap in which each entry stores its index, so
/// that adding one and removing any takes no more than O(log n) steps.  The entries are owned by
/// the callers, who remove them before they destroy them.
class TimerHeap {
 public:
  using Time = std::chrono::steady_clock::time_point;

  class Entry {
   public:
    /// It is in a heap; until it is removed, `deadline` must not change.
    bool in_heap() const { return index_ != kNone; }

    Time deadline;

   private:
    friend class TimerHeap;
    static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

    std::size_t index_ = kNone;
  };

  bool empty() const { return entries_.empty(); }
  /// The earliest deadline of a heap that is not empty.
  Time earliest() const { return entries_.front()->deadline; }

  void add(Entry& entry);
  void remove(Entry& entry);
  /// Removes the earliest entry if its deadline is not after `now`; null if there is none such.
  Entry* take_due(Time now);

 private:
  void place(Entry& entry, std::size_t index);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);

  std::vector<Entry*> entries_;
};

}  // namespace culvert
