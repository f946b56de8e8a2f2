// What is remembered of an upstream whose tunnels end before their first byte, or whose replies
// wait.
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("an upstream that ends three tunnels too early is passed over for a minute") {
  RouteScene scene(Log::Level::debug);
  Upstream& early = scene.add(socks5());
  scene.add(socks5());
  for (const char* target : {"a.test:443", "b.test:443", "c.test:443"}) {
    CHECK(early.health->view(scene.loop.now()).is_preferred());
    early.closed_after_success(target, true, scene.loop.now(), scene.log());
  }
  scene.grants(1);
  CHECK(scene.ask_and_wait().connected());
  CHECK(scene.dials(0) == 0);
  CHECK_THAT(scene.log_text(), Contains("it grants tunnels too early"));
  turn_for(scene.loop, 60s);
  scene.grants(0);
  CHECK(scene.ask_and_wait().connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a silent upstream that has said yes too early is told with it") {
  RouteScene scene;
  Upstream& upstream = scene.add(http());
  upstream.closed_after_success("a.test:443", true, scene.loop.now(), scene.log());
  scene.proxy(0).connects(scene.peer());
  auto& request = scene.ask_and_wait({.budget = 3s, .hold = 0ms});
  REQUIRE_FALSE(request.connected());
  CHECK_THAT(request.error().text,
             Contains("did not answer") && Contains(" - it has said yes too early 1 time lately"));
}

TEST_CASE("a request by name that waits for an upstream's reply is known to its tunnels") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  Peer& silent = scene.peer();
  scene.proxy(0).connects(silent);
  answer_greeting(silent);
  scene.ask({.budget = 5s, .hold = 0ms});
  const auto begun = scene.loop.now();
  turn_for(scene.loop, 2s);
  CHECK_THAT(upstream.slow_lookup_clause(begun, scene.loop.now()),
             Contains("a look-up may hold it up: gcr.io:443 waited for 2.0 s"));
  turn_for(scene.loop, 4s);
  // It is over, and was its cause until then.
  CHECK_THAT(upstream.slow_lookup_clause(begun, scene.loop.now()), Contains("waited for 5.0 s"));
  CHECK(upstream.slow_lookup_clause(scene.loop.now(), scene.loop.now()).empty());
}

TEST_CASE("a request for an address, or of an HTTP proxy, holds up no tunnel") {
  RouteScene scene;
  const bool is_http = GENERATE(true, false);
  Upstream& upstream = scene.add(is_http ? http() : socks5());
  scene.proxy(0).connects(scene.peer());
  scene.ask(HostPort::parse(is_http ? "gcr.io:443" : "192.0.2.1:443").value(), {.budget = 5s});
  const auto begun = scene.loop.now();
  turn_for(scene.loop, 2s);
  CHECK(upstream.slow_lookup_clause(begun, scene.loop.now()).empty());
}

TEST_CASE("a hop that may have granted too early is named where the proxy beyond it seems to end") {
  RouteScene scene;
  UpstreamConfig config = GENERATE(socks5, http)();
  config.via = "hop";
  config.via_index = 1;
  scene.add(config);
  Peer& peer = scene.peer();
  scene.proxy(0).connects(peer);
  const bool reset = GENERATE(true, false);
  const bool replied = config.kind == UpstreamConfig::Kind::socks5 && GENERATE(true, false);
  if (replied) answer_greeting(peer);
  reset ? peer.resets() : peer.ends();
  auto& request = scene.ask_and_wait({.budget = 3s, .hold = 0ms});
  REQUIRE_FALSE(request.connected());
  const bool told = request.error().text.find(
                        " - its via=hop may say yes before it has connected") != std::string::npos;
  CHECK(told == !replied);
}
