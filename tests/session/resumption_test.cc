// A CONNECT to a target whose tunnel was lost is held for longer than others are.
#include "policy/resumptions.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

struct ResumptionScene : RouteScene {
  DialLimits limits() {
    return {.budget = 1s, .hold = 1s, .resumptions = &resumptions, .hold_resumed = 4s};
  }
  /// Slots that are free to hold a request.
  std::size_t free_slots() {
    std::size_t free = 0;
    while (resumptions.begin_hold()) ++free;
    for (std::size_t i = 0; i < free; ++i) resumptions.end_hold();
    return free;
  }

  Resumptions resumptions;
};

/// A session whose first tunnel has ended, and what the next CONNECT to the same target gets.
struct TwoTunnels : Scene {
  explicit TwoTunnels(std::string down) {
    config.connect_timeout = 1s;
    config.hold = 1s;
    config.hold_resumed = 4s;
    add(socks5());
    transport->connects(upstream);
    client.sends(std::string(kConnect)).expects(std::string(kEstablished));
    answer_greeting(upstream);
    grant(upstream).sends(std::move(down));
    start();
    settle(loop);
  }
  bool is_resumption() const { return resumptions.is_resumption("gcr.io:443", loop.now()); }
};

}  // namespace

TEST_CASE("a resumption is held beyond the budget, and serves once the tunnel is back") {
  ResumptionScene scene;
  scene.add(socks5());
  for (int i = 0; i < 10; ++i) scene.proxy(0).fails(ECONNREFUSED);
  scene.grants(0);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait(scene.limits());
  CHECK(request.connected());
  CHECK(scene.dials(0) == 11);
  CHECK(scene.loop.now() - begun == 2500ms);
  request.dial.reset();
  CHECK(scene.free_slots() == Resumptions::kMostHeld);
}

TEST_CASE("a resumption is given up in the end") {
  ResumptionScene scene;
  scene.add(socks5());
  for (int i = 0; i < 30; ++i) scene.proxy(0).fails(ECONNREFUSED);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait(scene.limits());
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_refused);
  CHECK(scene.loop.now() - begun > 3500ms);
  CHECK(scene.loop.now() - begun <= 4s);
}

TEST_CASE("others are held no longer than the budget") {
  ResumptionScene scene;
  scene.add(socks5());
  for (int i = 0; i < 10; ++i) scene.proxy(0).fails(ECONNREFUSED);
  const auto begun = scene.loop.now();
  DialLimits limits = scene.limits();
  SECTION("no resumption") { limits.resumptions = nullptr; }
  SECTION("too many are held") {
    while (scene.resumptions.begin_hold()) continue;
  }
  CHECK_FALSE(scene.ask_and_wait(limits).connected());
  CHECK(scene.loop.now() - begun <= 1s);
}

TEST_CASE("a resumption is held for whatever the proxy or the network fails with") {
  ResumptionScene scene;
  scene.add(GENERATE(direct(), socks5()));
  SECTION("refused") { scene.proxy(0).fails(ECONNREFUSED); }
  SECTION("no route") { scene.proxy(0).fails(EHOSTUNREACH); }
  SECTION("no network") { scene.proxy(0).fails(ENETUNREACH); }
  SECTION("no answer") { scene.proxy(0).fails(ETIMEDOUT); }
  SECTION("no answer in time") { scene.proxy(0).hangs(); }
  auto& request = scene.ask(scene.limits());
  REQUIRE(turn_until(scene.loop, [&] { return scene.dials(0) == 2; }));
  CHECK_FALSE(request.done());
}

TEST_CASE("a resumption is held for a proxy that is silent, also after its greeting") {
  ResumptionScene scene;
  scene.add(socks5());
  const bool greets = GENERATE(false, true);
  Peer& silent = scene.peer();
  scene.proxy(0).connects(silent);
  if (greets) answer_greeting(silent);
  scene.grants(0);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait(scene.limits());
  CHECK(request.connected());
  CHECK(scene.dials(0) == 2);
  // Each attempt has the ordinary budget.
  CHECK(scene.loop.now() - begun >= 1s);
  CHECK(scene.loop.now() - begun < 2s);
}

TEST_CASE("a resumption that the far end refuses fails at once") {
  ResumptionScene scene;
  scene.add(socks5());
  Peer& proxy = scene.peer();
  scene.proxy(0).connects(proxy);
  answer_greeting(proxy).expects(kSocks5Request);
  if (GENERATE(false, true)) {
    proxy.sends(kSocks5Refused);
  } else {
    proxy.ends();  // ssh -D
  }
  CHECK_FALSE(scene.ask_and_wait(scene.limits()).connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a resumption of a direct target is held while DNS has no answer, not if it has one") {
  ResumptionScene scene;
  scene.add(direct());
  const bool answered = GENERATE(false, true);
  scene.proxy(0).fails({Errc::dns_error, answered ? Side::target : Side::local, 0, "why"});
  auto& request = scene.ask(scene.limits());
  REQUIRE(turn_until(scene.loop, [&] { return request.done() || scene.dials(0) == 2; }));
  CHECK(request.done() == answered);
}

TEST_CASE("a resumption tries all its upstreams again, and those that rest when their time comes") {
  ResumptionScene scene;
  scene.add(socks5());
  scene.add(socks5());
  scene.break_down(*scene.upstreams[1], {Errc::connection_timeout, Side::upstream, 0, "silent"});
  for (int i = 0; i < 30; ++i) scene.proxy(0).fails(ECONNREFUSED);
  scene.grants(1);
  auto& request = scene.ask_and_wait(scene.limits());
  CHECK(request.connected());
  CHECK(&request.dial->current() == scene.upstreams[1].get());
}

TEST_CASE("a client that leaves while it is held gives its place back") {
  ResumptionScene scene;
  scene.add(socks5());
  for (int i = 0; i < 30; ++i) scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask(scene.limits());
  REQUIRE(turn_until(scene.loop, [&] { return scene.dials(0) == 8; }));
  CHECK(scene.free_slots() == Resumptions::kMostHeld - 1);
  request.dial.reset();
  CHECK(scene.free_slots() == Resumptions::kMostHeld);
}

TEST_CASE("a loss is a tunnel that has carried something and ended on the upstream's side") {
  TwoTunnels scene("down");
  CHECK_FALSE(scene.is_resumption());
  SECTION("a FIN, whether or not the client has closed its own side yet") {
    scene.upstream.ends();
    settle(scene.loop);
    CHECK(scene.is_resumption());
    scene.client.ends();
  }
  SECTION("a reset") { scene.upstream.resets(); }
  SECTION("but not if this process ends") {
    scene.session->cut("told to");
    REQUIRE(scene.run());
    CHECK_FALSE(scene.is_resumption());
    return;
  }
  REQUIRE(scene.run());
  CHECK(scene.is_resumption());
}

TEST_CASE("what the client ended is not lost, nor what carried nothing") {
  SECTION("the client ended it") {
    TwoTunnels scene("down");
    if (GENERATE(false, true)) {
      scene.client.ends();
      settle(scene.loop);
      scene.upstream.ends();
    } else {
      scene.client.resets();
    }
    REQUIRE(scene.run());
    CHECK_FALSE(scene.is_resumption());
  }
  SECTION("nothing came") {
    TwoTunnels scene("");
    scene.upstream.resets();
    REQUIRE(scene.run());
    CHECK_FALSE(scene.is_resumption());
  }
}

TEST_CASE("a session whose target was lost lately is a resumption") {
  Scene scene;
  scene.config.connect_timeout = 1s;
  scene.config.hold = 1s;
  scene.config.hold_resumed = 4s;
  Upstream& upstream = scene.add(socks5());
  for (int i = 0; i < 30; ++i) scene.transport->fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect));
  const auto begun = scene.loop.now();
  std::chrono::milliseconds held = 4s;
  SECTION("the same target") { scene.resumptions.lost("gcr.io:443", begun); }
  SECTION("another target") {
    scene.resumptions.lost("eu.gcr.io:443", begun);
    held = 1s;
  }
  SECTION("long ago") {
    scene.resumptions.lost("gcr.io:443", begun - 60s);
    held = 1s;
  }
  SECTION("no longer than the budget, however long its upstream has been down") {
    scene.config.connect_timeout = 5s;
    upstream.health->failed(UpstreamHealth::Permit::granted, false, begun - 2s);
    scene.resumptions.lost("gcr.io:443", begun);
    held = 5s;
  }
  SECTION("nobody is held for longer") {
    scene.config.hold_resumed = 0s;
    scene.resumptions.lost("gcr.io:443", begun);
    held = 1s;
  }
  SECTION("nobody is held") {
    scene.config.hold = 0s;
    scene.resumptions.lost("gcr.io:443", begun);
    held = 0s;
  }
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return scene.client.received_end(); }));
  CHECK(parse_answer(scene.client.received()).status == 502);
  CHECK(scene.loop.now() - begun <= held);
  CHECK(scene.loop.now() - begun >= held - std::min<std::chrono::milliseconds>(held, 250ms));
}
