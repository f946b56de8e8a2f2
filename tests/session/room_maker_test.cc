#include "server/room_maker.h"

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// The sessions of a worker, each with a scene of its own, all begun at the same time.
struct House {
  Scene& enter(std::string_view sends, Admission admission = Admission::serve) {
    Scene& scene = scenes.emplace_back();
    scene.clock.advance(begun - scene.clock.now());
    scene.loop.turn(0);
    scene.client.sends(std::string(sends));
    scene.start(admission);
    settle(scene.loop);
    sessions.push_back(std::move(scene.session));
    return scene;
  }
  Loop::Room make_room(std::chrono::milliseconds later) {
    return maker.make_room(sessions, begun + later);
  }
  int left() const {
    int ended = 0;
    for (const Scene& scene : scenes) ended += scene.finished;
    return static_cast<int>(scenes.size()) - ended;
  }
  void on_waiting_closed() { ++waiting_closed; }

  std::deque<Scene> scenes;
  RoomMaker::Sessions sessions;
  Loop::Clock::time_point begun = Loop::Clock::now() + 1h;
  int waiting_closed = 0;
  DescriptorPressure pressure;
  RoomMaker maker{pressure, Callback<void()>::to<&House::on_waiting_closed>(this)};
};

constexpr std::string_view kSocksGreeting = "\x05\x01";

}  // namespace

TEST_CASE("clients that ask for nothing give way after a moment, some at a time") {
  House house;
  for (int i = 0; i < 20; ++i) house.enter(i % 2 == 0 ? "" : "CONNECT gcr");
  CHECK(house.make_room(49ms) == Loop::Room::soon);
  CHECK(house.left() == 20);
  CHECK(house.make_room(50ms) == Loop::Room::made);
  CHECK(house.left() == 4);
  CHECK(house.waiting_closed == 16);
  CHECK(house.make_room(50ms) == Loop::Room::made);
  CHECK(house.left() == 0);
  CHECK(house.make_room(50ms) == Loop::Room::none);
}

TEST_CASE("a request that is under way gives no way") {
  House house;
  house.enter(kConnect);
  CHECK(house.make_room(1h) == Loop::Room::none);
  CHECK(house.left() == 1);
}

TEST_CASE("a handshake has more time") {
  House house;
  house.enter(kSocksGreeting);
  CHECK(house.make_room(149ms) == Loop::Room::soon);
  CHECK_FALSE(house.maker.could_after_turn());
  CHECK(house.make_room(150ms) == Loop::Room::made);
}

TEST_CASE("while others have waited for a while, a few that ask for nothing have less time") {
  House house;
  const auto [sends, hard, least] = GENERATE(table<std::string_view, bool, int>(
      {{"", false, 5}, {"", true, 5}, {kSocksGreeting, false, 30}, {kSocksGreeting, true, 5}}));
  house.enter(sends);
  house.pressure.note(hard ? 400ms : 150ms, house.begun);
  const std::chrono::milliseconds time(least);
  CHECK(house.make_room(time - 1ms) == Loop::Room::soon);
  CHECK(house.make_room(time) == Loop::Room::made);
}

TEST_CASE("many that ask for nothing keep their time, others have waited or not") {
  House house;
  for (int i = 0; i < 32; ++i) house.enter("");
  house.pressure.note(1s, house.begun);
  CHECK(house.make_room(49ms) == Loop::Room::soon);
  CHECK(house.make_room(50ms) == Loop::Room::made);
}

TEST_CASE("it counts for a while only that others have waited") {
  House house;
  house.enter("");
  house.pressure.note(149ms, house.begun);
  CHECK(house.make_room(20ms) == Loop::Room::soon);
  house.pressure.note(150ms, house.begun - 150ms);
  CHECK(house.make_room(20ms) == Loop::Room::soon);
}

TEST_CASE("a client that was refused for want of descriptors gives way when it has its answer") {
  House house;
  Scene& scene = house.enter("", Admission::crowded);
  scene.client.takes(0);
  scene.client.sends(std::string(kConnect));
  settle(scene.loop);
  CHECK(house.make_room(0ms) == Loop::Room::soon);
  CHECK(house.maker.could_after_turn());
  scene.client.takes_all();
  settle(scene.loop);
  CHECK(house.make_room(0ms) == Loop::Room::made);
  CHECK_FALSE(house.maker.could_after_turn());
  CHECK(house.waiting_closed == 0);
}
