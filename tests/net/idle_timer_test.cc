#include "net/idle_timer.h"

#include <optional>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// An idle timer on a clock that only the test moves.
struct Watch {
  void on_expired() {
    ++times;
    at = loop.now();
    if (destroys) timer.reset();
  }
  /// Progress each millisecond, until the timer has expired or this long.
  void progress_for(std::chrono::milliseconds duration) {
    const auto end = loop.now() + duration;
    while (loop.now() < end && times == 0) {
      timer->progress();
      turn_for(loop, 1ms);
    }
  }

  ManualClock clock;
  Loop loop{&clock};
  std::optional<IdleTimer> timer{std::in_place, loop,
                                 Callback<void()>::to<&Watch::on_expired>(this)};
  int times = 0;
  bool destroys = false;
  Loop::Clock::time_point at;
};

}  // namespace

TEST_CASE("an idle timer expires once, when nothing has moved for its limit") {
  Watch watch;
  watch.destroys = GENERATE(false, true);
  const auto begun = watch.loop.now();
  watch.timer->start(30ms);
  turn_for(watch.loop, 1h);
  CHECK(watch.at - begun == 30ms);
  CHECK_FALSE(watch.loop.busy());
  CHECK(watch.times == 1);
}

TEST_CASE("progress puts an idle timer off, and it counts from there") {
  Watch watch;
  watch.timer->start(300ms);
  watch.progress_for(500ms);
  REQUIRE(watch.times == 0);
  watch.timer->progress();
  const auto last = watch.loop.now();
  turn_for(watch.loop, 1h);
  CHECK(watch.times == 1);
  CHECK(watch.at - last == 300ms);
}

TEST_CASE("an idle timer with a latest time expires then, whatever moves") {
  Watch watch;
  const auto latest = watch.loop.now() + 100ms;
  if (GENERATE(true, false)) {
    watch.timer->start(10s, latest);
    turn_for(watch.loop, 10s);
  } else {
    watch.timer->start(60ms, latest);
    watch.progress_for(10s);
  }
  CHECK(watch.times == 1);
  CHECK(watch.at == latest);
  // Started anew without one, it has none.
  const auto again = watch.loop.now();
  watch.timer->start(300ms);
  turn_for(watch.loop, 1h);
  CHECK(watch.times == 2);
  CHECK(watch.at - again == 300ms);
}

TEST_CASE("starting an idle timer anew gives it a new limit, counted from then") {
  Watch watch;
  watch.timer->start(GENERATE(5ms, 10'000ms));
  turn_for(watch.loop, 4ms);
  const auto begun = watch.loop.now();
  watch.timer->start(50ms);
  turn_for(watch.loop, 1h);
  CHECK(watch.times == 1);
  CHECK(watch.at - begun == 50ms);
}

TEST_CASE("an idle timer that is stopped, or has no limit, never expires") {
  Watch watch;
  watch.timer->start(1ms);
  SECTION("stopped") { watch.timer->stop(); }
  SECTION("without limit") { watch.timer->start(0ms); }
  CHECK_FALSE(watch.loop.busy());
  turn_for(watch.loop, 1h);
  CHECK(watch.times == 0);
}

TEST_CASE("an idle timer without a limit expires at its latest alone") {
  Watch watch;
  const auto latest = watch.loop.now() + 300ms;
  watch.timer->start(0ms, latest);
  CHECK_FALSE(watch.timer->is_late());
  CHECK(watch.timer->latest() == latest);
  watch.progress_for(200ms);
  turn_for(watch.loop, 1h);
  CHECK(watch.at == latest);
  CHECK(watch.times == 1);
  CHECK(watch.timer->is_late());
}
