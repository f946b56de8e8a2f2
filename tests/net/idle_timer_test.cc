#include "net/idle_timer.h"

#include <optional>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

struct Watch {
  explicit Watch(Loop& on)
      : loop(on), timer(std::in_place, on, Callback<void()>::to<&Watch::on_expired>(this)) {}
  void on_expired() {
    ++times;
    at = loop.now();
    if (destroys) timer.reset();
  }

  Loop& loop;
  std::optional<IdleTimer> timer;
  int times = 0;
  bool destroys = false;
  Loop::Clock::time_point at;
};

/// Progress in each turn for this long.
void progress_for(Watch& watch, std::chrono::milliseconds duration) {
  const auto end = Loop::Clock::now() + duration;
  while (Loop::Clock::now() < end && watch.times == 0) {
    watch.timer->progress();
    watch.loop.turn(1);
  }
}

}  // namespace

TEST_CASE("an idle timer expires once, when nothing has moved for its limit") {
  Loop loop;
  Watch watch(loop);
  watch.destroys = GENERATE(false, true);
  loop.turn(0);
  const auto begun = loop.now();
  watch.timer->start(30ms);
  REQUIRE(turn_until(loop, [&] { return watch.times > 0; }));
  CHECK(watch.at - begun >= 30ms);
  CHECK_FALSE(loop.busy());
  CHECK(watch.times == 1);
}

TEST_CASE("progress puts an idle timer off, and it counts from there") {
  Loop loop;
  Watch watch(loop);
  watch.timer->start(300ms);
  progress_for(watch, 500ms);
  REQUIRE(watch.times == 0);
  loop.turn(0);
  watch.timer->progress();
  const auto last = loop.now();
  REQUIRE(turn_until(loop, [&] { return watch.times > 0; }));
  CHECK(watch.at - last >= 300ms);
}

TEST_CASE("an idle timer with a latest time expires then, whatever moves") {
  Loop loop;
  Watch watch(loop);
  loop.turn(0);
  const auto latest = loop.now() + 100ms;
  if (GENERATE(true, false)) {
    watch.timer->start(10s, latest);
    REQUIRE(turn_until(loop, [&] { return watch.times > 0; }));
  } else {
    watch.timer->start(60ms, latest);
    progress_for(watch, 10s);
  }
  CHECK(watch.times == 1);
  CHECK(watch.at >= latest);
  // Started anew without one, it has none.
  watch.timer->start(300ms);
  turn_for(loop, 20ms);
  CHECK(watch.times == 1);
}

TEST_CASE("starting an idle timer anew gives it a new limit, counted from then") {
  Loop loop;
  Watch watch(loop);
  watch.timer->start(GENERATE(5ms, 10'000ms));
  const auto begun = loop.now();
  watch.timer->start(50ms);
  REQUIRE(turn_until(loop, [&] { return watch.times > 0; }));
  CHECK(watch.at - begun >= 50ms);
}

TEST_CASE("an idle timer that is stopped, or has no limit, never expires") {
  Loop loop;
  Watch watch(loop);
  watch.timer->start(1ms);
  SECTION("stopped") { watch.timer->stop(); }
  SECTION("without limit") { watch.timer->start(0ms); }
  CHECK_FALSE(loop.busy());
  turn_for(loop, 10ms);
  CHECK(watch.times == 0);
}
