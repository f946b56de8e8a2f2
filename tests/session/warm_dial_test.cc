// A connection from the pool raced against a fresh one; see also warm_pool_test.cc.
#include "dial/warm_dial.h"

#include <optional>

#include "dial/warm_keeper.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr auto kBudget = 400ms;

/// A dial beside a pool of one connection.
struct Race {
  Race() : upstream(scene.add(socks5())) {
    expect(pooled);
    upstream.warm = std::make_shared<WarmPool>();
    keeper = std::make_unique<WarmKeeper>(scene.loop, upstream, 1);
    settle(scene.loop);
    CHECK(scene.dials(0) == 1);
  }
  ~Race() {
    dial.reset();
    result.reset();
  }
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  /// The next connection leads to `peer`, which does its greeting.
  void expect(Peer& peer) {
    answer_greeting(peer);
    scene.proxy(0).connects(peer);
  }
  void start(const AddressCheck& check = {}) {
    dial = std::make_unique<WarmDial>(
        upstream_request(scene.loop, upstream, scene.target, DialPurpose::tunnel, check,
                         DialBudget{.connect = kBudget, .total = kBudget}),
        UpstreamDial::Done::to<&Race::on_done>(this));
    dial->start();
  }
  void on_done(UpstreamResult&& outcome) { result.emplace(std::move(outcome)); }
  /// It comes when the budget is used up.
  const DialFailure& wait_for_timeout() {
    turn_for(scene.loop, kBudget - 1ms);
    REQUIRE_FALSE(result);
    turn_for(scene.loop, 1ms);
    return failure();
  }
  const DialFailure& failure() const {
    REQUIRE(result);
    REQUIRE_FALSE(*result);
    return result->error();
  }

  RouteScene scene;
  Peer& pooled = scene.peer();
  Peer& refill = scene.peer();
  Peer& fresh = scene.peer();
  Upstream& upstream;
  std::unique_ptr<WarmKeeper> keeper;
  std::unique_ptr<WarmDial> dial;
  std::optional<UpstreamResult> result;
};

}  // namespace

TEST_CASE("the pooled connection alone is reported, as long as it is fast") {
  Race race;
  race.expect(race.refill);
  race.pooled.expects(kSocks5Request);
  race.start();
  CHECK(race.dial->replied() == Replied::nothing);
  race.pooled.sends(kSocks5Granted);
  settle(race.scene.loop);
  REQUIRE(race.result);
  CHECK(bool(*race.result));
  CHECK(race.dial->replied() == Replied::to_request);
  CHECK(race.dial->times().pooled);
}

TEST_CASE("a pooled connection that has begun to answer is not raced") {
  Race race;
  race.expect(race.refill);
  race.pooled.expects(kSocks5Request).sends("\x05");
  race.start();
  const DialFailure& failure = race.wait_for_timeout();
  CHECK(failure.phase == DialPhase::request);
  CHECK(failure.waited == kBudget);
  CHECK(race.scene.dials(0) == 2);
}

TEST_CASE(
    "of two connections that are both silent to the end the fresh one's failure is reported") {
  Race race;
  race.expect(race.refill);
  race.scene.proxy(0).connects(race.fresh);
  race.pooled.expects(kSocks5Request);
  race.start();
  const DialFailure& failure = race.wait_for_timeout();
  CHECK(failure.phase == DialPhase::greeting);
  CHECK(failure.waited == kBudget / 2);  // it began when half of the time was over
  CHECK(failure.proxy_failed());
  CHECK(race.pooled.closed());
}

TEST_CASE("what a dial may not even ask for costs no connection of the pool") {
  Race race;
  race.upstream.config.kind = UpstreamConfig::Kind::socks4a;
  const HostPort v6 = HostPort::parse("[2001:db8::1]:443").value();
  WarmDial dial(upstream_request(race.scene.loop, race.upstream, v6, DialPurpose::tunnel,
                                 AddressCheck{}, DialBudget{}),
                UpstreamDial::Done::to<&Race::on_done>(&race));
  dial.start();
  CHECK_THAT(race.failure().cause.text, Contains("SOCKS4a has no IPv6 addresses"));
  CHECK(race.pooled.open());
  CHECK(race.scene.dials(0) == 1);
}
