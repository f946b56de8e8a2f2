// What is remembered about upstreams, and who is passed over for it.
#include "dial/prober.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr DialLimits kImpatient{.budget = 5s, .hold = 0ms};
const Error kRefused{Errc::connection_refused, Side::upstream, 0, "refused"};
const Error kTimedOut{Errc::connection_timeout, Side::upstream, 0, "timed out"};

/// Two upstreams, of which the second one says yes once.
struct Pair {
  Pair() {
    scene.add(socks5());
    scene.add(socks5());
    scene.way(1).connects(peer);
    greet(peer);
    grant(peer);
  }
  Upstream& first() { return *scene.upstreams[0]; }
  Upstream& second() { return *scene.upstreams[1]; }

  RouteScene scene;
  Peer& peer = scene.peer();
};

}  // namespace

TEST_CASE("an upstream whose breaker is open is passed over") {
  Pair pair;
  pair.scene.break_down(pair.first(), kRefused);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 0);
}

TEST_CASE("after the breaker's wait one request finds out, and others do not wait for it") {
  Pair pair;
  pair.scene.break_down(pair.first(), kRefused);
  turn_for(pair.scene.loop, 60ms);
  Peer& first = pair.scene.peer();
  pair.scene.way(0).connects(first);
  auto& trial = pair.scene.ask(kImpatient);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 1);
  CHECK_FALSE(trial.done());
  greet(first);
  grant(first);
  settle(pair.scene.loop);
  CHECK(trial.connected());
  CHECK_FALSE(pair.first().breaker.down_since().has_value());
}

TEST_CASE("if every breaker is open, those that fail at once are asked all the same") {
  Pair pair;
  pair.scene.break_down(pair.first(), kTimedOut);
  pair.scene.break_down(pair.second(), kRefused);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 0);
  CHECK_FALSE(pair.second().breaker.is_open(pair.scene.loop.now()));
}

TEST_CASE("an attempt that is made although the breaker is open counts") {
  Pair pair;
  RouteScene& scene = pair.scene;
  Upstream& upstream = pair.first();
  scene.break_down(upstream, kRefused);
  const auto permit = upstream.begin_attempt(scene.loop.now());
  CHECK(permit == Breaker::Permit::granted);
  upstream.worked(permit, scene.loop.now(), scene.log());
  CHECK_FALSE(upstream.breaker.is_open(scene.loop.now()));
  scene.break_down(upstream, kRefused);
  turn_for(scene.loop, 60ms);
  CHECK(upstream.begin_attempt(scene.loop.now()) == Breaker::Permit::trial);
}

TEST_CASE("if all that is left hangs, nobody has to wait to hear that") {
  Pair pair;
  pair.scene.break_down(pair.first(), kTimedOut);
  pair.scene.break_down(pair.second(), kTimedOut);
  auto& request = pair.scene.ask(kImpatient);
  REQUIRE(request.done());
  CHECK(request.error().code == Errc::upstreams_down);
  CHECK_THAT(request.error().text, Contains("asked again later (for gcr.io:443)"));
  CHECK(pair.scene.dials(0) + pair.scene.dials(1) == 0);
}

TEST_CASE(
    "three refusals in a row open the breaker, and a far end's no shows that the proxy works") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  scene.way(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  scene.ask_and_wait(kImpatient);
  scene.ask_and_wait(kImpatient);
  Peer& peer = scene.peer();
  SECTION("a third one") {
    scene.way(0).fails(ECONNREFUSED);
    scene.ask_and_wait(kImpatient);
    CHECK(upstream.breaker.next_trial().has_value());
  }
  SECTION("the far end refuses") {
    scene.way(0).connects(peer);
    greet(peer);
    peer.hears(kSocks5Request).says(kSocks5Refused);
    CHECK_FALSE(scene.ask_and_wait(kImpatient).connected());
    CHECK_FALSE(upstream.breaker.down_since().has_value());
    CHECK_THAT(scene.log_text(), Contains(" is back after "));
  }
  SECTION("it greets, and says no more: that proves neither") {
    scene.way(0).connects(peer);
    greet(peer);
    CHECK_FALSE(scene.ask_and_wait({.budget = 300ms, .hold = 0ms}).connected());
    CHECK(upstream.breaker.down_since().has_value());
    CHECK_FALSE(upstream.breaker.next_trial().has_value());
  }
}

TEST_CASE("an upstream whose probe fails is passed over, until one comes through") {
  Pair pair;
  Peer& first = pair.scene.peer();
  pair.scene.way(0).fails(ECONNREFUSED).connects(first);
  greet(first);
  grant(first);
  Prober prober(pair.scene.loop, pair.scene.log(), pair.first(), pair.scene.target, 100ms);
  REQUIRE(turn_until(pair.scene.loop, [&] { return pair.first().probe_failed; }));
  CHECK_FALSE(pair.first().breaker.is_open(pair.scene.loop.now()));
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 1);
  REQUIRE(turn_until(pair.scene.loop, [&] { return !pair.first().probe_failed; }));
  CHECK(pair.scene.dials(0) == 2);
  CHECK_THAT(pair.scene.log_text(),
             Contains("warning probe: upstream socks5") && Contains("is back"));
}

TEST_CASE("a failed probe is no reason not to ask the only upstream there is") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  Peer& peer = scene.peer();
  scene.way(0).connects(peer);
  greet(peer);
  grant(peer);
  upstream.probe_failed = true;
  upstream.failed(Breaker::Permit::granted, kTimedOut, scene.loop.now(), scene.log());
  CHECK(scene.ask_and_wait(kImpatient).connected());
  CHECK_FALSE(upstream.probe_failed);
}

TEST_CASE("a prober that goes in the middle of its trial leaves the trial to others") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  scene.break_down(upstream, kRefused);
  turn_for(scene.loop, 60ms);
  {
    Prober prober(scene.loop, scene.log(), upstream, scene.target, 1s);
    REQUIRE(turn_until(scene.loop, [&] { return scene.dials(0) == 1; }));
    CHECK(upstream.breaker.is_open(scene.loop.now()));
  }
  CHECK(scene.way(0).alive() == 0);
  CHECK(upstream.breaker.ask(scene.loop.now()) == Breaker::Permit::trial);
}
