// Upstreams that are probed with a known host.
#include <algorithm>
#include <chrono>
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

/// An upstream that is probed with gcr.io:443, and the outcomes of the prober's dials.
struct Probed {
  Peer& connection() {
    Peer& peer = scene.peer();
    scene.proxy(0).connects(peer);
    answer_greeting(peer);
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
  turn_for(probed.scene.loop, RouteScene::kWait);
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] { return probed.scene.dials(0) == 1; }));
  CHECK_FALSE(upstream.health->view(probed.scene.loop.now()).open);
  CHECK(upstream.health->begin_attempt(probed.scene.loop.now()) == Breaker::Permit::trial);
  upstream.health->abandoned(Breaker::Permit::trial);
  probed.prober.reset();
  CHECK(probed.scene.proxy(0).alive() == 0);
}

TEST_CASE("a host of --probe that is down proves nothing about the proxy, and is logged once") {
  Probed probed;
  const bool hangs = GENERATE(false, true);
  probed.upstream.config.connect_timeout = 200ms;
  const std::size_t probes = hangs ? 1 : 4;
  for (std::size_t i = 0; i < probes; ++i) {
    Peer& peer = probed.connection();
    if (!hangs) peer.expects(kSocks5Request).sends(kSocks5Refused);
  }
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] {
    return probe_has_failed(probed.upstream) && probed.scene.dials(0) == probes;
  }));
  CHECK(probe_has_failed(probed.upstream));
  CHECK_FALSE(probed.upstream.health->view({}).fails_slowly);
  CHECK_FALSE(probed.upstream.health->breaker().down_since().has_value());
  CHECK(probed.log_lines() == 1);
  CHECK_THAT(probed.scene.log_text(), Contains("warning probe: upstream socks5"));
  probed.prober.reset();
  // The only upstream is tried all the same, and its reply changes nothing in the log.
  Peer& peer = probed.connection();
  grant(peer);
  CHECK(probed.scene.ask_and_wait(kImpatient).connected());
  CHECK(probed.log_lines() == 1);
}

TEST_CASE("a probe that succeeds again is logged once") {
  Probed probed;
  probed.connection().expects(kSocks5Request).sends(kSocks5Refused);
  Peer& second = probed.connection();
  grant(second);
  second.sends("220 hello\r\n");
  Peer& third = probed.connection();
  grant(third);
  third.sends("220 hello\r\n");
  probed.begin();
  REQUIRE(turn_until(probed.scene.loop, [&] { return probed.scene.dials(0) == 4; }));
  CHECK_FALSE(probe_has_failed(probed.upstream));
  CHECK(second.closed());
  CHECK(probed.log_lines() == 2);
  CHECK_THAT(probed.scene.log_text(), Contains("gives a connection to gcr.io:443 again"));
}

TEST_CASE("a success that is followed by the end is a failed probe") {
  Probed probed;
  Peer& liar = probed.connection();
  grant(liar);
  SECTION("the end") { liar.ends(); }
  SECTION("a reset") { liar.resets(); }
  SECTION("the end, a little later") {}
  probed.begin(5s);
  settle(probed.scene.loop);
  if (liar.open()) {
    CHECK_FALSE(probe_has_failed(probed.upstream));
    liar.ends();
    settle(probed.scene.loop);
  }
  CHECK(probe_has_failed(probed.upstream));
  CHECK(liar.closed());
  CHECK_FALSE(
      probed.upstream.health->breaker().down_since().has_value());  // the proxy itself is there
  CHECK_THAT(probed.scene.log_text(),
             Contains("said yes to gcr.io:443 and closed at once") && Contains("shadowsocks"));
}

TEST_CASE("a proxy that gives up within two seconds of its grant fails its probe, as v2ray does") {
  Probed probed;
  Peer& liar = probed.connection();
  grant(liar);
  probed.begin(5s);
  turn_for(probed.scene.loop, GENERATE(900ms, 1'050ms, 2'000ms, 2'900ms));
  CHECK_FALSE(probe_has_failed(probed.upstream));
  GENERATE(true, false) ? liar.ends() : liar.resets();
  settle(probed.scene.loop);
  CHECK(probe_has_failed(probed.upstream));
  CHECK_THAT(probed.scene.log_text(), Contains("said yes to gcr.io:443 and closed after "));
  CHECK(probed.upstream.health->early_grants_lately(probed.scene.loop.now()) == 1);
}

TEST_CASE("a success that lasts for three seconds is one, and so is a byte") {
  Probed probed;
  probed.upstream.health->probe_failed_quietly();
  Peer& peer = probed.connection();
  grant(peer);
  const bool speaks = GENERATE(false, true);
  if (speaks) peer.sends("220 hello\r\n").ends();
  const auto begun = probed.scene.loop.now();
  probed.begin(5s);
  REQUIRE(turn_until(probed.scene.loop, [&] { return !probe_has_failed(probed.upstream); }));
  CHECK(std::chrono::floor<std::chrono::milliseconds>(probed.scene.loop.now() - begun) ==
        (speaks ? 0s : 3s));
  CHECK(peer.closed());
  CHECK(probed.scene.log_text() == "");
}

TEST_CASE("an upstream whose probe fails is passed over, until one comes through") {
  Probed probed;
  probed.scene.add(socks5());
  probed.scene.grants(1);
  Peer& first = probed.scene.peer();
  probed.scene.proxy(0).fails(ECONNREFUSED).connects(first);
  answer_greeting(first);
  grant(first);
  first.sends("220 hello\r\n");
  Prober prober(probed.scene.loop, probed.scene.log(), probed.upstream, probed.scene.target, 1s);
  REQUIRE(turn_until(probed.scene.loop, [&] { return probe_has_failed(probed.upstream); }));
  CHECK_FALSE(probed.upstream.health->view(probed.scene.loop.now()).open);
  CHECK(probed.scene.ask_and_wait(kImpatient).connected());
  CHECK(probed.scene.dials(0) == 1);
  REQUIRE(turn_until(probed.scene.loop, [&] { return !probe_has_failed(probed.upstream); }));
  CHECK(probed.scene.dials(0) == 2);
  CHECK_THAT(probed.scene.log_text(),
             Contains("warning probe: upstream socks5") && Contains("is back"));
}
