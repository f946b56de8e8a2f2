// What a session and its dials count.
#include "session/session_counters.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

std::uint64_t attempts(const Upstream& upstream, AttemptEnd end) {
  return upstream.counters->attempts[static_cast<std::size_t>(end)];
}

/// Of all ends.
std::uint64_t attempts(const Upstream& upstream) {
  std::uint64_t sum = 0;
  for (const std::uint64_t count : upstream.counters->attempts) sum += count;
  return sum;
}

}  // namespace

TEST_CASE("an attempt that connects is counted with its time") {
  RouteScene scene;
  const Upstream& upstream = scene.add(socks5());
  scene.grants(0);
  scene.ask_and_wait();
  CHECK(attempts(upstream, AttemptEnd::connected) == 1);
  CHECK(attempts(upstream) == 1);
  CHECK(upstream.counters->connect.total() == 1);
  const auto times = upstream.health->report(scene.loop.now()).connects;
  REQUIRE(times.size() == 1);
  CHECK(times[0] == upstream.counters->connect.sum());
}

TEST_CASE("an attempt that does not connect is counted by what it has shown") {
  RouteScene scene;
  const Upstream& upstream = scene.add(socks5());
  const auto end = GENERATE(AttemptEnd::refused, AttemptEnd::failed, AttemptEnd::unanswered,
                            AttemptEnd::abandoned);
  const DialLimits limits{.budget = 5s, .hold = 0ms};
  if (end == AttemptEnd::failed) {
    scene.proxy(0).fails(ECONNREFUSED);
    scene.ask_and_wait(limits);
  } else {
    Peer& proxy = scene.peer();
    scene.proxy(0).connects(proxy);
    answer_greeting(proxy);
    if (end == AttemptEnd::refused) proxy.expects(kSocks5Request).sends(kSocks5Refused);
    auto& request = scene.ask(limits);
    settle(scene.loop);
    if (end == AttemptEnd::abandoned) request.dial.reset();
    if (end == AttemptEnd::unanswered) {
      CHECK(attempts(upstream) == 0);
      CHECK(turn_until(
          scene.loop, [&] { return request.done(); }, 30s));
    }
  }
  CHECK(attempts(upstream, end) == 1);
  CHECK(attempts(upstream) == 1);
  CHECK(upstream.counters->connect.total() == 0);
  CHECK(upstream.health->report(scene.loop.now()).connects.empty());
}

TEST_CASE("a request counts as held while it waits, and once for all its passes") {
  RouteScene scene;
  DialCounters counters;
  scene.add(socks5());
  for (int i = 0; i < 3; ++i) scene.proxy(0).fails(ECONNREFUSED);
  scene.grants(0);
  const bool leaves = GENERATE(false, true);
  auto& request = scene.ask({.budget = 5s, .hold = 5s, .counters = &counters});
  settle(scene.loop, 1);
  CHECK(counters.held == 1);
  if (!leaves) CHECK(turn_until(scene.loop, [&] { return request.connected(); }));
  request.dial.reset();
  CHECK(counters.held == 0);
  CHECK(counters.holds == 1);
  CHECK(counters.hedges == 0);
}

TEST_CASE("an attempt that begins beside a slow one is counted, and who is overtaken") {
  RouteScene scene;
  DialCounters counters;
  const Upstream& slow = scene.add(socks5());
  const Upstream& fast = scene.add(socks5());
  scene.grants(1);
  scene.ask_and_wait({.budget = 5s, .hold = 0ms, .hedge = 30ms, .counters = &counters});
  CHECK(counters.hedges == 1);
  CHECK(counters.holds == 0);
  CHECK(attempts(fast, AttemptEnd::connected) == 1);
  // It goes on until it is known whether its proxy is dead.
  CHECK(attempts(slow) == 0);
  for (const auto& upstream : scene.upstreams) upstream->stragglers.clear();
  CHECK(attempts(slow, AttemptEnd::abandoned) == 1);
}

TEST_CASE("the first byte of a tunnel is counted once, with the time since the request") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Scene scene(pace, pace);
  Upstream& upstream = scene.add(direct());
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
  scene.start();
  settle(scene.loop);
  CHECK(upstream.counters->first_byte.total() == 0);
  scene.client.sends("question");
  settle(scene.loop);
  CHECK(upstream.counters->first_byte.total() == 0);
  turn_for(scene.loop, 700ms);
  scene.upstream.expects("question").sends("answer");
  settle(scene.loop);
  REQUIRE(upstream.counters->first_byte.total() == 1);
  CHECK(upstream.counters->first_byte.sum() >= 700ms);
  CHECK(upstream.counters->first_byte.sum() < 1s);
  scene.client.expects("answer").sends("more").ends();
  scene.upstream.expects("more").sends("end").ends();
  REQUIRE(scene.run());
  CHECK(upstream.counters->first_byte.total() == 1);
  CHECK(scene.client.received() == "end");
}

TEST_CASE("a first byte that the end comes with is counted, too, and none if none came") {
  const bool speaks = GENERATE(true, false);
  Scene scene;
  Upstream& upstream = scene.add(direct());
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).ends();
  if (speaks) scene.upstream.sends("all");
  scene.upstream.ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(upstream.counters->first_byte.total() == (speaks ? 1 : 0));
}

TEST_CASE(
    "the answer to a plain request is counted as the first byte, a tunnel's behind it is not") {
  const bool upgrades = GENERATE(false, true);
  Scene scene;
  Upstream& upstream = scene.add(direct());
  scene.client.sends(std::string("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n") +
                     (upgrades ? "Connection: upgrade\r\nUpgrade: x\r\n\r\n" : "\r\n"));
  scene.upstream.sends(upgrades ? "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nbytes"
                                : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  scene.start();
  settle(scene.loop);
  CHECK(upstream.counters->first_byte.total() == 1);
  scene.client.ends();
  scene.upstream.ends();
  REQUIRE(scene.run());
  CHECK(upstream.counters->first_byte.total() == 1);
}
