// Connections that break: what was sent before arrives, and the break arrives behind it.
#include "session/relay.h"
#include "support/catch.h"
#include "support/relay_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// A scene in which one side, whichever, is about to break.
struct Break : RelayScene {
  explicit Break(bool client_breaks, Pace pace = {})
      : RelayScene(pace, pace),
        breaking(client_breaks ? client : upstream),
        survivor(client_breaks ? upstream : client),
        side(client_breaks ? Side::client : Side::upstream) {
    start();
  }
  void check_end() {
    REQUIRE(run());
    CHECK(survivor.closed_by_reset());
    CHECK_FALSE(survivor.received_end());  // a FIN would look complete
    CHECK(end.cause == RelayEnd::Cause::reset);
    CHECK(end.closed_by == side);
    CHECK(end.sys != 0);
  }

  Peer& breaking;
  Peer& survivor;
  Side side;
};

}  // namespace

TEST_CASE("a reset of a quiet side resets the other") {
  Break scene(GENERATE(true, false), GENERATE(from_range(kPaces)));
  settle(scene.loop);
  scene.breaking.resets();
  scene.check_end();
  CHECK(scene.end.sys == ECONNRESET);
  CHECK(scene.survivor.received() == "");
}

TEST_CASE("bytes before a reset are delivered, and then the reset") {
  Break scene(GENERATE(true, false), GENERATE(from_range(kPaces)));
  scene.breaking.sends("last words").resets();
  scene.check_end();
  CHECK(scene.survivor.received() == "last words");
}

TEST_CASE("a reset behind much that is slow to be taken waits for it") {
  Break scene(GENERATE(true, false));
  const std::string bytes = numbered_bytes(300'000);
  scene.survivor.takes(10);
  scene.breaking.sends(bytes).resets();
  settle(scene.loop);
  CHECK(scene.done == 0);
  CHECK(scene.survivor.received() == bytes.substr(0, 10));
  scene.survivor.takes_all();
  scene.check_end();
  CHECK(scene.survivor.received() == bytes);
}

TEST_CASE("a reset is found by writing, too: what that side had sent before still arrives") {
  Break scene(GENERATE(true, false), GENERATE(Pace{}, Pace{true, 4}));
  settle(scene.loop);
  // In the turn of the reset there are bytes for the side that broke as well.
  scene.survivor.sends("too late");
  scene.breaking.sends("last words").resets();
  scene.check_end();
  CHECK(scene.survivor.received() == "last words");
}

TEST_CASE("a reset with bytes in transit to the side that broke") {
  Break scene(GENERATE(true, false));
  scene.breaking.takes(3);
  scene.survivor.sends("never to arrive");
  settle(scene.loop);
  CHECK(scene.breaking.received() == "nev");
  scene.breaking.sends("last words").resets();
  scene.check_end();
  CHECK(scene.survivor.received() == "last words");
}

TEST_CASE("a reset with bytes stuck in both directions") {
  Break scene(GENERATE(true, false));
  scene.breaking.takes(3);
  scene.survivor.takes(5);
  scene.survivor.sends("never to arrive");
  scene.breaking.sends("last words");
  settle(scene.loop);
  scene.breaking.resets();
  settle(scene.loop);
  CHECK(scene.done == 0);
  scene.survivor.takes_all();
  scene.check_end();
  CHECK(scene.survivor.received() == "last words");
}

TEST_CASE("a reset after the breaking side had ended its half") {
  Break scene(GENERATE(true, false), GENERATE(Pace{}, Pace{true, 4}));
  scene.breaking.sends("all I had").ends();
  settle(scene.loop);
  CHECK(scene.survivor.received() == "all I had");
  CHECK(scene.survivor.received_end());
  CHECK(scene.done == 0);
  scene.breaking.resets();
  // Only an attempt to write can detect it.
  scene.survivor.sends("answer");
  REQUIRE(scene.run());
  CHECK(scene.survivor.closed_by_reset());
}

TEST_CASE("a reset after the other side had ended its half") {
  Break scene(GENERATE(true, false), GENERATE(Pace{}, Pace{true, 4}));
  scene.survivor.sends("request").ends();
  settle(scene.loop);
  CHECK(scene.breaking.received_end());
  scene.breaking.sends("half an answ").resets();
  REQUIRE(scene.run());
  CHECK(scene.survivor.received() == "half an answ");
  CHECK_FALSE(scene.survivor.received_end());  // a FIN would make it look complete
  CHECK(scene.survivor.closed_by_reset());
}

TEST_CASE("a side that only refuses writes is read to its end") {
  Break scene(GENERATE(true, false));
  scene.breaking.refuses(EPIPE);
  scene.survivor.sends("not wanted");
  settle(scene.loop);
  CHECK(scene.done == 0);
  scene.breaking.sends("I am not done").sends(" yet").ends();
  scene.check_end();
  CHECK(scene.end.sys == EPIPE);
  CHECK(scene.survivor.received() == "I am not done yet");
}

TEST_CASE("a side that we lack the memory to write to is reset, as it is well and would wait") {
  Break scene(GENERATE(true, false));
  scene.breaking.refuses(GENERATE(ENOBUFS, ENOMEM));
  scene.survivor.sends("wanted");
  REQUIRE(scene.run());
  CHECK(scene.breaking.closed_by_reset());
  CHECK(scene.survivor.closed_by_reset());
}

TEST_CASE("a side that timed out is passed on as a reset, with its error") {
  Break scene(GENERATE(true, false));
  scene.breaking.resets(ETIMEDOUT);
  scene.check_end();
  CHECK(scene.end.sys == ETIMEDOUT);
}

TEST_CASE("both sides break at once") {
  Break scene(GENERATE(true, false));
  settle(scene.loop);
  scene.breaking.resets();
  scene.survivor.resets();
  REQUIRE(scene.run());
  CHECK(scene.end.cause == RelayEnd::Cause::reset);
}

TEST_CASE("the reset waits until the survivor has acknowledged what came before") {
  Break scene(GENERATE(true, false));
  scene.survivor.holds_back(10);
  scene.breaking.sends("last words").resets();
  turn_for(scene.loop, 60ms);
  CHECK(scene.done == 0);
  CHECK(scene.survivor.open());
  scene.survivor.holds_back(0);
  scene.check_end();
}

TEST_CASE("the reset does not wait for a survivor that breaks meanwhile") {
  Break scene(GENERATE(true, false));
  scene.survivor.holds_back(10);
  scene.breaking.sends("last words").resets();
  turn_for(scene.loop, 30ms);
  CHECK(scene.done == 0);
  scene.survivor.resets();
  REQUIRE(scene.run());
}
