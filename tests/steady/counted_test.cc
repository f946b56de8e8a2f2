// The counters themselves: a count of zero is worth something only if one would have been seen.
#include "steady/counted.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "base/callback.h"
#include "base/log.h"
#include "net/timer.h"
#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// Keeps the compiler from leaving out an allocation that nobody looks at.
template <typename T>
void look_at(const T& value) {
  asm volatile("" : : "g"(&value) : "memory");
}

struct Nobody {
  void expire() {}
};

}  // namespace

TEST_CASE("every kind of allocation is counted") {
  CHECK(cost_of([] { look_at(1); }).allocations == 0);
  CHECK(cost_of([] { look_at(std::make_unique<int>(1)); }).allocations == 1);
  CHECK(cost_of([] { look_at(std::string(100, 'x')); }).allocations == 1);
  void* memory = nullptr;
  CHECK(cost_of([&] { memory = std::malloc(10); }).allocations == 1);
  CHECK(cost_of([&] { memory = std::realloc(memory, 1000); }).allocations == 1);
  std::free(memory);
  CHECK(cost_of([&] { memory = std::calloc(10, 10); }).allocations == 1);
  std::free(memory);
  // In a library.
  CHECK(cost_of([&] { memory = realpath("/", nullptr); }).allocations > 0);
  std::free(memory);
}

TEST_CASE("starts of a timer, lines of a log and writes are counted") {
  Nobody nobody;
  Loop loop;
  Timer timer(loop, Callback<void()>::to<&Nobody::expire>(&nobody));
  CHECK(cost_of([&] { timer.start(std::chrono::seconds(1)); }).timer_starts == 1);
  CHECK(cost_of([&] { timer.stop(); }).timer_starts == 0);

  const Fd null(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Log log(null.get(), null.get(), Log::Level::info, Log::Format::text);
  CHECK(cost_of([&] { const Log::AccessLine line(log); }).log_lines == 1);
  CHECK(cost_of([&] { log.write(Log::Level::debug, "not even written"); }).log_lines == 1);
  CHECK(cost_of([&] { log.flush(); }).writes == 1);
}
