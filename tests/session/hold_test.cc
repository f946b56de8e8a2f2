// Holding requests for a tunnel that is starting.
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr DialLimits kPatient{.budget = 5s, .hold = 5s};

}  // namespace

TEST_CASE("while all upstreams of a route refuse, any that comes up serves") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  Peer& second = scene.peer();
  scene.proxy(1).fails(ECONNREFUSED).connects(second);
  answer_greeting(second);
  grant(second);
  auto& request = scene.ask_and_wait(kPatient);
  CHECK(request.connected());
  CHECK(&request.dial->current() == scene.upstreams[1].get());
  CHECK_THAT(request.dial->failures(),
             StartsWith("attempts failed: upstream socks5://") && !Contains(";"));
  CHECK_THAT(scene.log_text(),
             Contains("upstream socks5://proxy.example:1080 is back after 0.2 s"));
}

TEST_CASE("a refusal is waited for only if each upstream refuses, and by itself") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(http());
  Peer& second = scene.peer();
  scene.proxy(0).fails(ECONNREFUSED);
  SECTION("the network is unreachable") { scene.proxy(1).fails(EHOSTUNREACH); }
  SECTION("the proxy hangs up") {
    scene.proxy(1).connects(second);
    second.ends();
  }
  SECTION("the proxy says no") {
    scene.proxy(1).connects(second);
    second.sends("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  }
  CHECK_FALSE(scene.ask_and_wait(kPatient).connected());
  CHECK(scene.dials(0) == 1);
  CHECK(scene.dials(1) == 1);
}

TEST_CASE("an upstream that has been down for long is not held for") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  upstream.health->failed(UpstreamHealth::Permit::granted, false, scene.loop.now() - 40s);
  scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_refused);
  CHECK_THAT(request.error().text, Contains("(down for 40 s)"));
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("one upstream that was up a moment ago is enough to hold") {
  RouteScene scene;
  scene.add(socks5()).health->failed(UpstreamHealth::Permit::granted, false,
                                     scene.loop.now() - 40s);
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  scene.proxy(1).fails(ECONNREFUSED);
  auto& request = scene.ask(kPatient);
  REQUIRE(turn_until(scene.loop, [&] { return scene.dials(1) == 2; }));
  CHECK_FALSE(request.done());
}

TEST_CASE("who waits already does so to the end of the budget") {
  RouteScene scene;
  scene.add(socks5());
  for (int i = 0; i < 10; ++i) scene.proxy(0).fails(ECONNREFUSED);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait({.budget = 1500ms, .hold = 100ms});
  CHECK_FALSE(request.connected());
  CHECK(scene.dials(0) == 6);
  CHECK(scene.loop.now() - begun == 1250ms);
}

TEST_CASE("who met the last moment of a tunnel waits for its return") {
  RouteScene scene;
  scene.add(socks5());
  Peer& dying = scene.peer();
  Peer& next = scene.peer();
  dying.resets();
  scene.proxy(0).connects(dying).fails(ECONNREFUSED).connects(next);
  answer_greeting(next);
  grant(next);
  CHECK(scene.ask_and_wait(kPatient).connected());
  CHECK_THAT(scene.log_text(), Contains("refused the connection - is the tunnel up?"));
}

TEST_CASE("without hold a refusal is reported at once") {
  RouteScene scene;
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED);
  CHECK_FALSE(scene.ask_and_wait({.hold = 0ms}).connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a route is given up while it waits") {
  RouteScene scene;
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask(kPatient);
  settle(scene.loop);
  REQUIRE_FALSE(request.done());
  CHECK(scene.loop.busy());
  request.dial.reset();
  CHECK_FALSE(scene.loop.busy());
}

namespace {

/// The second of two upstreams is reached through the first; it is the route's only upstream.
struct Chain {
  Chain() {
    scene.add(socks5());
    Upstream& far = scene.add(http());
    far.config.via_index = 0;
    far.config.label = "http://far.example:1080";
    far.config.address = HostPort::parse("far.example:443").value();
    far.transport = std::make_shared<ViaTransport>(scene.loop, hop);
    hop.config = socks5();
    hop.transport = transport;
    scene.upstreams.erase(scene.upstreams.begin());
  }

  RouteScene scene;
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(scene.loop);
  Upstream hop;
  const std::string request{
      "\x05\x01\x00\x03\x0b"
      "far.example\x01\xbb",
      18};
};

}  // namespace

TEST_CASE("a chain whose first hop refuses is waited for") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->fails(ECONNREFUSED).connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(kSocks5Granted);
  peer.expects("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
      .sends("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(chain.scene.ask_and_wait(kPatient).connected());
  CHECK(peer.verdict() == "");
  CHECK(chain.transport->requested().size() == 2);
}

TEST_CASE("a hop's refusal is about the next one, and is not held") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(kSocks5Refused);
  auto& request = chain.scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().side == Side::upstream);
  CHECK_THAT(request.error().text,
             Contains("upstream http://far.example:1080 is out of reach for gcr.io:443: upstream "
                      "socks5://proxy.example:1080 says far.example:443 refused"));
  CHECK(chain.transport->requested().size() == 1);
  CHECK(chain.scene.upstreams[0]->health->breaker().down_since().has_value());
}
