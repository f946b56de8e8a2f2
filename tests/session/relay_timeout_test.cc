// Tunnels in which nothing moves.
#include "session/relay.h"
#include "support/catch.h"
#include "support/relay_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

RelaySettings settings(std::chrono::milliseconds idle, std::chrono::milliseconds half_open) {
  return {idle, half_open};
}

}  // namespace

TEST_CASE("a relay without timeouts is quiet for as long as it likes, and costs no timer") {
  RelayScene scene;
  scene.client.sends("x");
  scene.start();
  settle(scene.loop);
  CHECK_FALSE(scene.loop.busy());
  scene.client.ends();
  settle(scene.loop);
  CHECK_FALSE(scene.loop.busy());
  CHECK(scene.done == 0);
}

TEST_CASE("a relay in which nothing moves ends when its time is over") {
  RelayScene scene({}, {}, settings(40ms, 0ms));
  scene.start();
  const auto begun = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 40ms);
  CHECK(scene.end.cause == RelayEnd::Cause::idle);
  CHECK(scene.end.closed_by == Side::local);
}

TEST_CASE("traffic in either direction postpones the end") {
  RelayScene scene({}, {}, settings(600ms, 0ms));
  Peer& talking = GENERATE(true, false) ? scene.client : scene.upstream;
  scene.start();
  for (int i = 0; i < 10; ++i) {
    turn_for(scene.loop, 70ms);
    talking.sends("x");
  }
  CHECK(scene.done == 0);
  const auto last = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - last == 600ms);
  CHECK(scene.end.cause == RelayEnd::Cause::idle);
}

TEST_CASE("a side that takes slowly what was read before is not idle") {
  RelayScene scene({}, {}, settings(600ms, 600ms));
  scene.client.takes(1);
  scene.upstream.sends(numbered_bytes(60'000));
  if (GENERATE(false, true)) scene.upstream.ends();
  scene.start();
  for (int i = 0; i < 10; ++i) {
    turn_for(scene.loop, 70ms);
    scene.client.takes(100);
  }
  CHECK(scene.done == 0);
  const auto last = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - last == 600ms);
  CHECK(scene.end.closed_by == Side::local);
}

TEST_CASE("half open, the other time counts, from the end of the first half") {
  RelayScene scene({}, {}, settings(0ms, 50ms));
  scene.start();
  turn_for(scene.loop, 80ms);
  CHECK(scene.done == 0);
  (GENERATE(true, false) ? scene.client : scene.upstream).ends();
  const auto ended = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - ended == 50ms);
  CHECK(scene.end.cause == RelayEnd::Cause::half_open);
  CHECK(scene.end.closed_by == Side::local);
}

TEST_CASE("half open, traffic puts the end off") {
  RelayScene scene({}, {}, settings(0ms, 600ms));
  scene.client.ends();
  scene.start();
  for (int i = 0; i < 10; ++i) {
    turn_for(scene.loop, 70ms);
    scene.upstream.sends("x");
  }
  settle(scene.loop);
  CHECK(scene.done == 0);
  CHECK(scene.client.received() == "xxxxxxxxxx");
  scene.upstream.ends();
  REQUIRE(scene.run());
  CHECK(scene.end.cause == RelayEnd::Cause::finished);
}

TEST_CASE("half open counts while what came before the end waits for who does not read") {
  RelayScene scene({}, {}, settings(0ms, 50ms));
  const bool up = GENERATE(true, false);
  Peer& gone = up ? scene.client : scene.upstream;
  Peer& deaf = up ? scene.upstream : scene.client;
  deaf.takes(10);
  gone.sends(numbered_bytes(1000));
  scene.start();
  turn_for(scene.loop, 80ms);
  CHECK(scene.done == 0);
  if (GENERATE(true, false)) {
    gone.ends();
  } else {
    gone.resets();
  }
  const auto ended = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - ended == 50ms);
  CHECK(scene.end.cause == RelayEnd::Cause::half_open);
  CHECK(scene.end.closed_by == Side::local);
  CHECK(deaf.received().size() == 10);
}

TEST_CASE("a tunnel that we cut ends in a reset for both") {
  RelayScene scene({}, {}, settings(40ms, 0ms));
  scene.upstream.sends("half a docum");
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.end.cause == RelayEnd::Cause::idle);
  CHECK(scene.client.closed_by_reset());
  CHECK(scene.upstream.closed_by_reset());
}

TEST_CASE("who takes nothing is looked at now and then, until nothing waits for it") {
  RelayScene scene({}, {}, {0ms, 0ms, 20ms});
  scene.client.takes(10);
  scene.upstream.sends(numbered_bytes(1000));
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return scene.client.checks().size() == 3; }));
  CHECK(scene.client.checks() == std::vector<bool>{true, true, true});
  scene.client.takes_all();
  REQUIRE(turn_until(scene.loop, [&] { return !scene.loop.busy(); }));
  CHECK(scene.client.received().size() == 1000);
  CHECK_FALSE(scene.client.checks().back());
  for (const bool blocked : scene.upstream.checks()) CHECK_FALSE(blocked);
  CHECK(scene.done == 0);
}

TEST_CASE("half open without a time of its own, the idle time counts") {
  RelayScene scene({}, {}, settings(40ms, 0ms));
  scene.client.ends();
  const auto begun = scene.loop.now();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 40ms);
  CHECK(scene.end.cause == RelayEnd::Cause::half_open);
}

TEST_CASE("half open, a longer time of its own puts off the idle end") {
  RelayScene scene({}, {}, settings(20ms, 10s));
  scene.client.ends();
  scene.start();
  turn_for(scene.loop, 9999ms);
  CHECK(scene.done == 0);
  turn_for(scene.loop, 1ms);
  CHECK(scene.done == 1);
}
