#include "net/ticker.h"

#include <sys/resource.h>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

struct Ticks {
  explicit Ticks(Loop& loop) : ticker(loop, Callback<void()>::to<&Ticks::on_tick>(this)) {}
  void on_tick() { ++count; }

  int count = 0;
  Ticker ticker;
};

}  // namespace

TEST_CASE("a ticker ticks again and again until it is stopped") {
  Loop loop;
  Ticks ticks(loop);
  CHECK_FALSE(ticks.ticker.running());
  ticks.ticker.start(10ms);
  CHECK(ticks.ticker.running());
  CHECK(loop.busy());
  CHECK(turn_until(loop, [&] { return ticks.count >= 3; }));
  ticks.ticker.stop();
  CHECK_FALSE(ticks.ticker.running());
  CHECK_FALSE(loop.busy());
  const int count = ticks.count;
  turn_for(loop, 50ms);
  CHECK(ticks.count == count);
}

TEST_CASE("a ticker that is in a hurry does not wait for its interval") {
  Loop loop;
  Ticks ticks(loop);
  ticks.ticker.hurry(1ms);
  ticks.ticker.start(1h);
  settle(loop);
  CHECK(ticks.count == 0);
  ticks.ticker.hurry(1ms);
  CHECK(turn_until(loop, [&] { return ticks.count == 1; }));
  turn_for(loop, 50ms);
  CHECK(ticks.count == 1);
}

TEST_CASE("without a descriptor a ticker does not run, and may be started again") {
  Loop loop;
  Ticks ticks(loop);
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{0, before.rlim_max};
  REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  ticks.ticker.start(1ms);
  REQUIRE(setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK_FALSE(ticks.ticker.running());
  ticks.ticker.start(1ms);
  CHECK(turn_until(loop, [&] { return ticks.count > 0; }));
}
