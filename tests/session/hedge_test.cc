// Upstreams that are tried side by side.
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr DialLimits kHedged{.budget = 5s, .hold = 0ms, .hedge = 30ms};

}  // namespace

TEST_CASE("hedging: if both fail, the more telling failure is reported, whichever came last") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& first = scene.peer();
  Peer& second = scene.peer();
  scene.way(0).connects(first);
  scene.way(1).connects(second);
  greet(first);
  greet(second);
  auto& request = scene.ask(kHedged);
  REQUIRE(turn_until(scene.loop, [&] { return second.heard() != ""; }));
  const bool first_says_more = GENERATE(true, false);
  SECTION("the first fails first") {
    first_says_more ? first.says(kSocks5Refused) : first.ends();
    settle(scene.loop);
    CHECK_FALSE(request.done());
    first_says_more ? second.ends() : second.says(kSocks5Refused);
  }
  SECTION("the second fails first") {
    first_says_more ? second.ends() : second.says(kSocks5Refused);
    settle(scene.loop);
    CHECK_FALSE(request.done());
    first_says_more ? first.says(kSocks5Refused) : first.ends();
  }
  settle(scene.loop);
  REQUIRE(request.done());
  CHECK_THAT(request.error().text, Contains("says gcr.io:443 refused"));
  CHECK_THAT(request.dial->failures(), Contains("attempts failed: ") && Contains("refused") &&
                                           Contains("; ") && Contains("closed"));
}

TEST_CASE("hedging: the next one does not wait for its time when the one before has failed") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& second = scene.peer();
  scene.way(0).fails(ECONNREFUSED);
  scene.way(1).connects(second);
  greet(second);
  grant(second);
  auto& request = scene.ask({.budget = 5s, .hold = 0ms, .hedge = 4s});
  settle(scene.loop);
  CHECK(request.connected());
}

TEST_CASE("hedging: each of three has its time, and the last may win") {
  RouteScene scene;
  for (int i = 0; i < 3; ++i) scene.add(socks5());
  Peer& third = scene.peer();
  scene.way(2).connects(third);
  greet(third);
  grant(third);
  const auto begun = Loop::Clock::now();
  auto& request = scene.ask_and_wait(kHedged);
  CHECK(request.connected());
  CHECK(Loop::Clock::now() - begun >= 58ms);
  CHECK(&request.dial->current() == scene.upstreams[2].get());
  CHECK(scene.way(0).alive() == 0);
  CHECK(scene.way(1).alive() == 0);
}

TEST_CASE("hedging: who fails after the next one has begun does not begin a third") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& second = scene.peer();
  scene.way(1).connects(second);
  auto& request = scene.ask(kHedged);
  REQUIRE(turn_until(scene.loop, [&] { return second.open(); }));
  scene.way(0).let_go(ECONNREFUSED);
  settle(scene.loop);
  CHECK_FALSE(request.done());
  greet(second);
  grant(second);
  settle(scene.loop);
  CHECK(request.connected());
  CHECK(scene.dials(0) + scene.dials(1) == 2);
}

TEST_CASE("hedging: being overtaken says nothing about an upstream, and its trial is free again") {
  RouteScene scene;
  Upstream& slow = scene.add(socks5());
  scene.add(socks5());
  scene.break_down(slow, {Errc::connection_refused, Side::upstream, 0, "refused"});
  turn_for(scene.loop, 60ms);
  Peer& second = scene.peer();
  scene.way(1).connects(second);
  greet(second);
  grant(second);
  CHECK(scene.ask_and_wait(kHedged).connected());
  CHECK(scene.dials(0) == 1);
  CHECK(slow.breaker.ask(scene.loop.now()) == Breaker::Permit::trial);
}
