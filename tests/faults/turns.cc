// A library for LD_PRELOAD: how much processor time each turn of an event loop takes, whatever else
// runs on the machine.
//
// CULVERT_TURNS names a file of the size of Turns, mapped by the test as well.  A turn is what a
// thread does from one epoll_wait() to the next.
#include <dlfcn.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>

#include "shared_file.h"

namespace {

// As proxy/net/loop.cc asks for; libuv, whose loop runs within a turn, asks for more.
constexpr int kEventsPerTurn = 256;

// As tests/e2e/test_admin_crowd.py has them.
struct Slot {
  std::atomic<std::uint64_t> thread;   ///< its id; 0: there is none
  std::atomic<std::uint64_t> turns;    ///< that are over
  std::atomic<std::uint64_t> longest;  ///< in nanoseconds, since the test has written 0
  std::uint64_t begun;                 ///< the thread's processor time at the begin of this turn
};
using Turns = std::array<Slot, 32>;

// When it is loaded: later the program gives up the right to write to files.
Turns* const turns = map_shared_file<Turns>("CULVERT_TURNS");

/// Of this thread.
Slot* own_slot() {
  if (turns == nullptr) return nullptr;
  const auto thread = static_cast<std::uint64_t>(gettid());
  for (Slot& slot : *turns) {
    std::uint64_t found = 0;
    if (slot.thread.compare_exchange_strong(found, thread) || found == thread) return &slot;
  }
  return nullptr;
}

std::uint64_t processor_time() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int epoll_wait(int set, epoll_event* events, int most, int timeout) {
  static const auto real = reinterpret_cast<decltype(&epoll_wait)>(dlsym(RTLD_NEXT, "epoll_wait"));
  if (most != kEventsPerTurn) return real(set, events, most, timeout);
  Slot* const slot = own_slot();
  if (slot == nullptr) return real(set, events, most, timeout);
  if (slot->begun != 0) {
    const std::uint64_t took = processor_time() - slot->begun;
    slot->turns.fetch_add(1);
    if (took > slot->longest.load()) slot->longest.store(took);
  }
  const int count = real(set, events, most, timeout);
  slot->begun = processor_time();
  return count;
}
