#include "net/timer.h"

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// A timer that notes that it fired, and then runs the test's action.
struct Alarm {
  Alarm(Loop& loop, std::vector<Alarm*>& order)
      : timer(loop, Callback<void()>::to<&Alarm::on_expired>(this)), fired(order) {}
  void on_expired() {
    fired.push_back(this);
    if (const auto act = then) act();  // a copy: it may destroy us
  }

  Timer timer;
  std::vector<Alarm*>& fired;
  std::function<void()> then;
  int delay = 0;  // what the model thinks
};

}  // namespace

TEST_CASE("timers fire in the order of their deadlines, not of their start, each at its time") {
  ManualClock clock;
  Loop loop(&clock);
  std::vector<Alarm*> fired;
  Alarm late(loop, fired), early(loop, fired), middle(loop, fired);
  loop.turn(0);
  const auto begun = loop.now();
  late.timer.start(30ms);
  early.timer.start(10ms);
  middle.timer.start(20ms);
  CHECK(loop.busy());
  REQUIRE(turn_until(loop, [&] { return !fired.empty(); }));
  CHECK(loop.now() - begun == 10ms);
  REQUIRE(turn_until(loop, [&] { return fired.size() == 3; }));
  CHECK(loop.now() - begun == 30ms);
  CHECK(fired == std::vector<Alarm*>{&early, &middle, &late});
  CHECK_FALSE(late.timer.running());
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a stopped timer is silent, one started anew counts from then") {
  ManualClock clock;
  Loop loop(&clock);
  std::vector<Alarm*> fired;
  Alarm stopped(loop, fired), restarted(loop, fired);
  stopped.timer.start(1ms);
  stopped.timer.stop();
  stopped.timer.stop();
  restarted.timer.start(1ms);
  restarted.timer.start(10s);
  turn_for(loop, 9999ms);
  CHECK(fired.empty());
  const auto begun = loop.now();
  restarted.timer.start(40ms);
  REQUIRE(turn_until(loop, [&] { return !fired.empty(); }));
  CHECK(loop.now() - begun == 40ms);
  CHECK(fired == std::vector<Alarm*>{&restarted});
}

TEST_CASE("a waiting loop wakes up for a timer") {
  Loop loop;
  std::vector<Alarm*> fired;
  Alarm alarm(loop, fired);
  alarm.then = [&] { loop.stop(); };
  alarm.timer.start(10ms);
  loop.run();
  CHECK(fired.size() == 1);
}

TEST_CASE("a timer of the real clock does not fire early") {
  Loop loop;
  std::vector<Alarm*> fired;
  Alarm alarm(loop, fired);
  const auto begun = Loop::Clock::now();
  loop.turn(0);
  alarm.timer.start(10ms);
  REQUIRE(turn_until(loop, [&] { return !fired.empty(); }));
  CHECK(Loop::Clock::now() - begun >= 10ms);
}

TEST_CASE("a callback may stop, start and destroy timers that are due in the same turn") {
  ManualClock clock;
  Loop loop(&clock);
  std::vector<Alarm*> fired;
  Alarm first(loop, fired), stopped(loop, fired), moved(loop, fired);
  auto destroyed = std::make_unique<Alarm>(loop, fired);
  first.timer.start(1ms);
  stopped.timer.start(2ms);
  destroyed->timer.start(2ms);
  moved.timer.start(2ms);
  first.then = [&] {
    stopped.timer.stop();
    destroyed.reset();
    moved.timer.start(30ms);
  };
  clock.advance(5ms);
  loop.turn(0);
  CHECK(fired == std::vector<Alarm*>{&first});
  REQUIRE(turn_until(loop, [&] { return fired.size() == 2; }));
  CHECK(fired[1] == &moved);
}

TEST_CASE("a timer may be destroyed by its own callback") {
  Loop loop;
  std::vector<Alarm*> fired;
  auto alarm = std::make_unique<Alarm>(loop, fired);
  alarm->then = [&] { alarm.reset(); };
  alarm->timer.start(0ms);
  REQUIRE(turn_until(loop, [&] { return !fired.empty(); }));
  CHECK_FALSE(loop.busy());
}

TEST_CASE("a timer without delay fires in the next turn, also by a manual clock") {
  ManualClock clock;
  const bool manual = GENERATE(false, true);
  Loop loop(manual ? &clock : nullptr);
  std::vector<Alarm*> fired;
  Alarm now(loop, fired), later(loop, fired);
  now.timer.start(0ms);
  later.timer.start(1h);
  loop.turn(0);
  CHECK(fired == std::vector<Alarm*>{&now});
  const auto then = loop.now();
  loop.turn(0);
  CHECK((loop.now() == then) == manual);  // nothing is due
}

TEST_CASE("a timer that starts itself anew without delay leaves the others their turn") {
  ManualClock clock;
  Loop loop(&clock);
  std::vector<Alarm*> fired;
  Alarm alarm(loop, fired);
  alarm.then = [&] {
    if (fired.size() < 1000) alarm.timer.start(0ms);
  };
  alarm.timer.start(0ms);
  for (int i = 0; i < 10; ++i) loop.turn(5);
  CHECK(fired.size() == 10);
}

TEST_CASE("whatever is started and stopped in whatever order, the right timers fire, in order") {
  ManualClock clock;
  Loop loop(&clock);
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    std::vector<Alarm*> fired;
    std::vector<std::unique_ptr<Alarm>> alarms;
    for (int i = 0; i < 150; ++i) alarms.push_back(std::make_unique<Alarm>(loop, fired));
    loop.turn(0);  // all of them count from one moment
    for (int step = 0; step < 2000; ++step) {
      Alarm& alarm = *alarms[random() % alarms.size()];
      if (random() % 3 == 0) {
        alarm.timer.stop();
        alarm.delay = 0;
      } else {
        alarm.delay = 1 + static_cast<int>(random() % 12);
        alarm.timer.start(std::chrono::milliseconds(alarm.delay));
      }
    }
    std::vector<Alarm*> expected;
    for (const auto& alarm : alarms) {
      CHECK(alarm->timer.running() == (alarm->delay > 0));
      if (alarm->delay > 0) expected.push_back(alarm.get());
    }
    REQUIRE(turn_until(loop, [&] { return !loop.busy(); }));
    CHECK(std::is_sorted(fired.begin(), fired.end(),
                         [](const Alarm* a, const Alarm* b) { return a->delay < b->delay; }));
    std::sort(fired.begin(), fired.end());
    std::sort(expected.begin(), expected.end());
    CHECK(fired == expected);
  }
}
