#include "net/timer_heap.h"

namespace culvert {

void TimerHeap::place(Entry& entry, std::size_t index) {
  entries_[index] = &entry;
  entry.index_ = index;
}

void TimerHeap::sift_up(std::size_t index) {
  Entry& entry = *entries_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (entries_[parent]->deadline <= entry.deadline) break;
    place(*entries_[parent], index);
    index = parent;
  }
  place(entry, index);
}

void TimerHeap::sift_down(std::size_t index) {
  Entry& entry = *entries_[index];
  for (;;) {
    std::size_t child = 2 * index + 1;
    if (child >= entries_.size()) break;
    if (child + 1 < entries_.size() && entries_[child + 1]->deadline < entries_[child]->deadline) {
      ++child;
    }
    if (entry.deadline <= entries_[child]->deadline) break;
    place(*entries_[child], index);
    index = child;
  }
  place(entry, index);
}

void TimerHeap::add(Entry& entry) {
  entries_.push_back(&entry);
  sift_up(entries_.size() - 1);
}

void TimerHeap::remove(Entry& entry) {
  const std::size_t index = entry.index_;
  entry.index_ = Entry::kNone;
  Entry& last = *entries_.back();
  entries_.pop_back();
  if (&last == &entry) return;
  place(last, index);
  sift_up(index);
  sift_down(last.index_);
}

TimerHeap::Entry* TimerHeap::take_due(Time now) {
  if (empty() || earliest() > now) return nullptr;
  Entry& entry = *entries_.front();
  remove(entry);
  return &entry;
}

}  // namespace culvert
