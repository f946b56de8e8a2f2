#include "net/timer_heap.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <random>
#include <set>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

constexpr TimerHeap::Time kStart{};

std::vector<TimerHeap::Entry*> take_all_due(TimerHeap& heap, TimerHeap::Time now) {
  std::vector<TimerHeap::Entry*> taken;
  while (TimerHeap::Entry* entry = heap.take_due(now)) taken.push_back(entry);
  return taken;
}

}  // namespace

TEST_CASE("a timer heap gives out what is due, earliest first") {
  TimerHeap heap;
  CHECK(heap.empty());
  CHECK(heap.take_due(kStart + 1h) == nullptr);
  TimerHeap::Entry late, early, middle;
  late.deadline = kStart + 30ms;
  early.deadline = kStart + 10ms;
  middle.deadline = kStart + 20ms;
  for (TimerHeap::Entry* entry : {&late, &early, &middle}) heap.add(*entry);
  CHECK(heap.earliest() == kStart + 10ms);
  CHECK(take_all_due(heap, kStart + 10ms - 1ns).empty());
  CHECK(take_all_due(heap, kStart + 20ms) == std::vector{&early, &middle});
  CHECK_FALSE(middle.in_heap());
  CHECK(late.in_heap());
  CHECK_FALSE(heap.empty());
}

TEST_CASE("an entry may leave a timer heap from any place, and come back with another deadline") {
  constexpr std::size_t kEntries = 20;
  for (std::size_t place = 0; place < kEntries; ++place) {
    TimerHeap heap;
    std::vector<TimerHeap::Entry> entries(kEntries);
    for (std::size_t i = 0; i < kEntries; ++i) {
      entries[i].deadline = kStart + std::chrono::milliseconds(i);
      heap.add(entries[i]);
    }
    heap.remove(entries[place]);
    CHECK_FALSE(entries[place].in_heap());
    entries[place].deadline = kStart + 1h;
    heap.add(entries[place]);
    const auto taken = take_all_due(heap, kStart + 1h);
    REQUIRE(taken.size() == kEntries);
    CHECK(taken.back() == &entries[place]);
    CHECK(std::is_sorted(taken.begin(), taken.end(), [](const auto* one, const auto* other) {
      return one->deadline < other->deadline;
    }));
  }
}

TEST_CASE("a timer heap knows the earliest deadline after whatever operations") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    TimerHeap heap;
    std::multiset<TimerHeap::Time> model;
    std::vector<TimerHeap::Entry> entries(1 + random() % 100);
    TimerHeap::Time now = kStart;
    bool right = true;
    for (int step = 0; step < 2000; ++step) {
      TimerHeap::Entry& entry = entries[random() % entries.size()];
      if (entry.in_heap()) {
        heap.remove(entry);
        model.erase(model.find(entry.deadline));
      } else {
        entry.deadline =
            now + std::chrono::milliseconds(random() % 50);  // often the same as another's
        heap.add(entry);
        model.insert(entry.deadline);
      }
      if (step % 10 == 0) {
        now += std::chrono::milliseconds(random() % 5);
        for (const TimerHeap::Entry* due : take_all_due(heap, now)) {
          right = right && !model.empty() && due->deadline == *model.begin() && !due->in_heap();
          if (!model.empty()) model.erase(model.begin());
        }
        right = right && (model.empty() || *model.begin() > now);
      }
      right = right && heap.empty() == model.empty();
      right = right && (model.empty() || heap.earliest() == *model.begin());
    }
    CHECK(right);
  }
}
