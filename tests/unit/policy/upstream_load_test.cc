#include "policy/upstream_load.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

const UpstreamLoad::Time kNow = UpstreamLoad::Time() + 1h;

}  // namespace

TEST_CASE("what is open and not idle is active") {
  UpstreamLoad load;
  CHECK(load.now().open == 0);
  for (int i = 0; i < 5; ++i) load.begin();
  CHECK(load.now().active == 5);
  load.add_idle(3);
  CHECK(load.now().open == 5);
  CHECK(load.now().active == 2);
  // Those that end are counted as idle until the next look.
  for (int i = 0; i < 4; ++i) load.end();
  CHECK(load.now().open == 1);
  CHECK(load.now().active == 0);
  load.add_idle(-3);
  CHECK(load.now().active == 1);
}

TEST_CASE("a share counts for as long as it is held") {
  UpstreamLoad one, other;
  {
    LoadShare share(one);
    CHECK(one.now().open == 1);
    share.take(other);
    CHECK(one.now().open == 0);
    CHECK(other.now().open == 1);
    share.drop();
    share.drop();
    CHECK(other.now().open == 0);
    share.take(one);
  }
  CHECK(one.now().open == 0);
}

TEST_CASE("the rate is that of all workers") {
  UpstreamLoad load;
  load.add_rate(1'000);
  load.add_rate(500);
  CHECK(load.now().rate == 1'500);
  load.add_rate(-1'000);
  CHECK(load.now().rate == 500);
}

TEST_CASE("the time to connect is a mean of the last few") {
  UpstreamLoad load;
  CHECK_FALSE(load.pace().connect);
  load.connected(100ms, kNow);
  CHECK(load.pace().connect == 100ms);
  load.connected(200ms, kNow + 1s);
  CHECK(load.pace().connect == 125ms);
  for (int i = 0; i < 30; ++i) load.connected(40ms, kNow + 2s);
  CHECK(*load.pace().connect < 41ms);
  CHECK(load.pace().learned == kNow + 2s);
}

TEST_CASE("what it can deliver rises at once and falls slowly") {
  UpstreamLoad load;
  CHECK(load.pace().rate == 0);
  load.add_rate(1'000'000);
  load.delivers(kNow);
  CHECK(load.pace().rate == 1'000'000);
  load.add_rate(1'000'000);
  load.delivers(kNow + 1s);
  CHECK(load.pace().rate == 2'000'000);
  load.add_rate(-1'900'000);
  load.delivers(kNow + 2s);
  CHECK(load.pace().rate > 1'800'000);
  for (int i = 0; i < 200; ++i) load.delivers(kNow + 3s);
  CHECK(load.pace().rate < 110'000);
  CHECK(load.pace().learned == kNow + 3s);
}

TEST_CASE("one request of sixteen may explore") {
  UpstreamLoad load;
  int times = 0;
  for (int i = 0; i < 160; ++i) times += load.may_explore() ? 1 : 0;
  CHECK(times == 10);
  CHECK_FALSE(load.may_explore());  // not the first one
}
