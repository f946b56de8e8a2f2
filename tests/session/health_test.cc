// What is remembered about upstreams, and who is passed over for it.
#include <algorithm>
#include <optional>
#include <string>

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
  first.says("220 hello\r\n");
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

namespace {

/// An upstream that is asked for gcr.io:443 by a prober, and what the prober's dials come to.
struct Probed {
  Peer& connection() {
    Peer& peer = scene.peer();
    scene.way(0).connects(peer);
    greet(peer);
    return peer;
  }
  void begin(std::chrono::milliseconds interval = 20ms) {
    prober.emplace(scene.loop, scene.log(), upstream, scene.target, interval);
  }
  std::size_t log_lines() {
    const std::string text = scene.log_text();
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }

  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  std::optional<Prober> prober;
};

}  // namespace

TEST_CASE("a prober leaves the trial of an open breaker to clients") {
  Probed probed;
  Upstream& upstream = probed.upstream;
  probed.scene.break_down(upstream, kRefused);
  turn_for(probed.scene.loop, 60ms);
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] { return probed.scene.dials(0) == 1; }));
  CHECK_FALSE(upstream.breaker.is_open(probed.scene.loop.now()));
  CHECK(upstream.breaker.ask(probed.scene.loop.now()) == Breaker::Permit::trial);
  upstream.breaker.abandoned(Breaker::Permit::trial);
  probed.prober.reset();
  CHECK(probed.scene.way(0).alive() == 0);
}

TEST_CASE("a host of --probe that is down says nothing about the proxy, and is told once") {
  Probed probed;
  const bool hangs = GENERATE(false, true);
  probed.upstream.config.connect_timeout = 30ms;
  const std::size_t probes = hangs ? 1 : 4;
  for (std::size_t i = 0; i < probes; ++i) {
    Peer& peer = probed.connection();
    if (!hangs) peer.hears(kSocks5Request).says(kSocks5Refused);
  }
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] {
    return probed.upstream.probe_failed && probed.scene.dials(0) == probes;
  }));
  CHECK(probed.upstream.probe_failed);
  CHECK_FALSE(probed.upstream.fails_slowly);
  CHECK_FALSE(probed.upstream.breaker.down_since().has_value());
  CHECK(probed.log_lines() == 1);
  CHECK_THAT(probed.scene.log_text(), Contains("warning probe: upstream socks5"));
  probed.prober.reset();
  // The only upstream is asked all the same, and its answer changes nothing in the log.
  Peer& peer = probed.connection();
  grant(peer);
  CHECK(probed.scene.ask_and_wait(kImpatient).connected());
  CHECK(probed.log_lines() == 1);
}

TEST_CASE("a probe that comes through again is told once") {
  Probed probed;
  probed.connection().hears(kSocks5Request).says(kSocks5Refused);
  Peer& second = probed.connection();
  grant(second);
  second.says("220 hello\r\n");
  Peer& third = probed.connection();
  grant(third);
  third.says("220 hello\r\n");
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] { return probed.scene.dials(0) == 4; }));
  CHECK_FALSE(probed.upstream.probe_failed);
  CHECK(second.closed());
  CHECK(probed.log_lines() == 2);
  CHECK_THAT(probed.scene.log_text(), Contains("gives a connection to gcr.io:443 again"));
}

TEST_CASE("a yes that is followed by the end is no yes to a prober") {
  Probed probed;
  Peer& liar = probed.connection();
  grant(liar);
  SECTION("the end") { liar.ends(); }
  SECTION("a reset") { liar.resets(); }
  SECTION("the end, a little later") {}
  probed.begin(5s);
  settle(probed.scene.loop);
  if (liar.open()) {
    CHECK_FALSE(probed.upstream.probe_failed);
    liar.ends();
    settle(probed.scene.loop);
  }
  CHECK(probed.upstream.probe_failed);
  CHECK(liar.closed());
  CHECK_FALSE(probed.upstream.breaker.down_since().has_value());  // the proxy itself is there
  CHECK_THAT(probed.scene.log_text(),
             Contains("said yes to gcr.io:443 and closed at once") && Contains("shadowsocks"));
}

TEST_CASE("a yes that stands for a second is one, and so is a byte") {
  Probed probed;
  probed.upstream.probe_failed = true;
  Peer& peer = probed.connection();
  grant(peer);
  const bool speaks = GENERATE(false, true);
  if (speaks) peer.says("220 hello\r\n").ends();
  const auto begun = Loop::Clock::now();
  probed.begin(5s);
  REQUIRE(turn_until(probed.scene.loop, [&] { return !probed.upstream.probe_failed; }));
  CHECK((Loop::Clock::now() - begun >= 990ms) == !speaks);
  CHECK(peer.closed());
  CHECK(probed.scene.log_text() == "");
}
