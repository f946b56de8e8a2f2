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

TEST_CASE("hedging: if both fail, the more specific failure is reported, whichever was last") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& first = scene.peer();
  Peer& second = scene.peer();
  scene.proxy(0).connects(first);
  scene.proxy(1).connects(second);
  answer_greeting(first);
  answer_greeting(second);
  auto& request = scene.ask(kHedged);
  REQUIRE(turn_until(scene.loop, [&] { return second.received() != ""; }));
  const bool first_says_more = GENERATE(true, false);
  SECTION("the first fails first") {
    first_says_more ? first.sends(kSocks5Refused) : first.ends();
    settle(scene.loop);
    CHECK_FALSE(request.done());
    first_says_more ? second.ends() : second.sends(kSocks5Refused);
  }
  SECTION("the second fails first") {
    first_says_more ? second.ends() : second.sends(kSocks5Refused);
    settle(scene.loop);
    CHECK_FALSE(request.done());
    first_says_more ? first.sends(kSocks5Refused) : first.ends();
  }
  settle(scene.loop);
  REQUIRE(request.done());
  CHECK_THAT(request.error().text, Contains("says the target refused"));
  CHECK_THAT(request.dial->failures(), Contains("attempts failed: ") && Contains("refused") &&
                                           Contains("; ") && Contains("closed"));
}

TEST_CASE("hedging: the next one does not wait for its time when the one before has failed") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& second = scene.peer();
  scene.proxy(0).fails(ECONNREFUSED);
  scene.proxy(1).connects(second);
  answer_greeting(second);
  grant(second);
  auto& request = scene.ask({.budget = 5s, .hold = 0ms, .hedge = 4s});
  settle(scene.loop);
  CHECK(request.connected());
}

TEST_CASE("hedging: each of three has its time, and the last may win") {
  RouteScene scene;
  for (int i = 0; i < 3; ++i) scene.add(socks5());
  scene.grants(2);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait(kHedged);
  CHECK(request.connected());
  CHECK(scene.loop.now() - begun == 60ms);
  CHECK(&request.dial->current() == scene.upstreams[2].get());
  CHECK(scene.upstreams[0]->stragglers.size() == 1);
  CHECK(scene.upstreams[1]->stragglers.size() == 1);
}

TEST_CASE("hedging: who fails after the next one has begun does not begin a third") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  Peer& second = scene.peer();
  scene.proxy(1).connects(second);
  auto& request = scene.ask(kHedged);
  REQUIRE(turn_until(scene.loop, [&] { return second.open(); }));
  scene.proxy(0).let_go(ECONNREFUSED);
  settle(scene.loop);
  CHECK_FALSE(request.done());
  answer_greeting(second);
  grant(second);
  settle(scene.loop);
  CHECK(request.connected());
  CHECK(scene.dials(0) + scene.dials(1) == 2);
}

TEST_CASE("hedging: a trial that is overtaken goes on until it is known how it ends") {
  RouteScene scene;
  Upstream& slow = scene.add(socks5());
  scene.add(socks5());
  scene.break_down(slow, kRefused);
  turn_for(scene.loop, RouteScene::kWait);
  scene.grants(1);
  CHECK(scene.ask_and_wait(kHedged).connected());
  CHECK(scene.dials(0) == 1);
  CHECK(slow.health->view(scene.loop.now()).open);
  SECTION("badly") {
    scene.proxy(0).let_go(ECONNREFUSED);
    settle(scene.loop);
    CHECK(slow.health->view(scene.loop.now()).open);
  }
  SECTION("by nobody's fault") {
    slow.stragglers.clear();
    CHECK(slow.health->begin_attempt(scene.loop.now()) == Breaker::Permit::trial);
  }
  CHECK(slow.stragglers.empty());
}

namespace {

/// Requests that the second upstream serves, while the first one is slow.
struct Race {
  Race() {
    UpstreamConfig config = socks5();
    config.connect_timeout = 600ms;
    scene.add(config);
    scene.add(socks5());
  }
  void run(int requests) {
    std::vector<RouteScene::Request*> all;
    for (int i = 0; i < requests; ++i) {
      scene.grants(1);
      all.push_back(&scene.ask({.budget = 5s, .hold = 0ms, .hedge = 10ms}));
    }
    for (auto* request : all) {
      REQUIRE(turn_until(scene.loop, [&] { return request->done(); }));
      CHECK(request->connected());
    }
  }
  Upstream& first() { return *scene.upstreams[0]; }

  RouteScene scene;
};

}  // namespace

TEST_CASE("hedging: a first upstream that is dead does not stay hidden") {
  Race race;
  race.run(3);
  CHECK_FALSE(race.first().health->view(race.scene.loop.now()).open);  // slow so far, and no more
  REQUIRE(turn_until(race.scene.loop, [&] { return race.first().stragglers.empty(); }));
  CHECK(race.first().health->view(race.scene.loop.now()).open);
  CHECK_THAT(race.scene.log_text(), Contains("did not accept the connection within 0.6 s"));
  race.run(1);
  CHECK(race.scene.dials(0) == 3);
}

TEST_CASE("hedging: a first upstream that was beaten narrowly is well") {
  Race race;
  Peer& first = race.scene.peer();
  race.scene.proxy(0).connects(first);
  race.run(1);
  CHECK(first.open());
  answer_greeting(first);
  grant(first);
  settle(race.scene.loop);
  CHECK(first.closed());
  CHECK(first.verdict() == "");
  CHECK(race.first().health->breaker().last_success().has_value());
  CHECK(race.scene.log_text() == "");
}

TEST_CASE("hedging: an upstream that has replied is not dead, and is dropped") {
  Race race;
  Peer& first = race.scene.peer();
  race.scene.proxy(0).connects(first);
  answer_greeting(first);
  first.expects(kSocks5Request).sends("\x05");
  race.run(1);
  CHECK(first.closed());
  CHECK(race.first().stragglers.empty());
}

TEST_CASE(
    "hedging: a first upstream that answers the greeting and then is silent does not stay hidden "
    "either") {
  Race race;
  for (int i = 0; i < 3; ++i) {
    Peer& first = race.scene.peer();
    race.scene.proxy(0).connects(first);
    answer_greeting(first);
  }
  race.run(3);
  CHECK_FALSE(race.first().health->view(race.scene.loop.now()).open);
  REQUIRE(turn_until(race.scene.loop, [&] { return race.first().stragglers.empty(); }));
  CHECK(race.first().health->view(race.scene.loop.now()).open);
  CHECK_THAT(race.scene.log_text(), Contains("did not answer the request within 0.6 s"));
}

TEST_CASE("hedging: no more attempts go on alone than a proof takes") {
  Race race;
  race.run(5);
  CHECK(race.first().stragglers.size() == 3);
  CHECK(race.scene.proxy(0).alive() == 3);
}

TEST_CASE("hedging: when the client leaves, nothing goes on") {
  Race race;
  auto& request = race.scene.ask({.budget = 5s, .hold = 0ms, .hedge = 10ms});
  REQUIRE(turn_until(race.scene.loop, [&] { return race.scene.dials(1) == 1; }));
  request.dial.reset();
  CHECK(race.scene.proxy(0).alive() + race.scene.proxy(1).alive() == 0);
  CHECK(race.first().stragglers.empty());
}

TEST_CASE("hedging: an upstream whose trial another client has begun meanwhile is passed over") {
  RouteScene scene;
  scene.add(socks5());
  Upstream& on_trial = scene.add(socks5());
  scene.add(socks5());
  scene.break_down(on_trial, kRefused);
  turn_for(scene.loop, RouteScene::kWait);
  scene.grants(2);
  auto& request = scene.ask(kHedged);
  // As a request of another worker does.
  REQUIRE(on_trial.health->begin_attempt(scene.loop.now()) == Breaker::Permit::trial);
  REQUIRE(turn_until(scene.loop, [&] { return request.done(); }));
  CHECK(request.connected());
  CHECK(scene.dials(1) == 0);
  CHECK(scene.dials(2) == 1);
}
