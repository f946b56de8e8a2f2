// Bytes in both directions, ends, and back-pressure.
#include "session/relay.h"

#include "support/catch.h"
#include "support/relay_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("a relay carries both directions, and each ends by itself") {
  const Pace client_pace = GENERATE(from_range(kPaces));
  const Pace upstream_pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(client_pace), to_string(upstream_pace));
  RelayScene scene(client_pace, upstream_pace);
  SECTION("the client first") {
    scene.client.sends("request").ends().expects("answer").expects("more").expects_end();
    scene.upstream.expects("request").expects_end().sends("answer").sends("more").ends();
  }
  SECTION("the upstream first") {
    scene.upstream.sends("answer").ends().expects("request").expects("more").expects_end();
    scene.client.expects("answer").expects_end().sends("request").sends("more").ends();
  }
  SECTION("both at once") {
    scene.client.sends("request").ends().expects("answer").expects_end();
    scene.upstream.sends("answer").ends().expects("request").expects_end();
  }
  SECTION("in turns") {
    scene.client.sends("1").expects("2").sends("3").expects("4").ends().expects_end();
    scene.upstream.expects("1").sends("2").expects("3").sends("4").expects_end().ends();
  }
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK(scene.end.cause == RelayEnd::Cause::finished);
  CHECK_FALSE(scene.client.closed_by_reset());
  CHECK_FALSE(scene.upstream.closed_by_reset());
}

TEST_CASE("a relay reports which side ended first, and the bytes of each direction") {
  RelayScene scene;
  const bool by_client = GENERATE(true, false);
  scene.client.sends("up");
  scene.upstream.sends("down!");
  scene.start();
  settle(scene.loop);
  (by_client ? scene.client : scene.upstream).ends();
  settle(scene.loop);
  CHECK(scene.done == 0);
  (by_client ? scene.upstream : scene.client).ends();
  REQUIRE(scene.run());
  CHECK(scene.end.closed_by == (by_client ? Side::client : Side::upstream));
  CHECK(scene.bytes_up == 2);
  CHECK(scene.bytes_down == 5);
}

TEST_CASE("amounts around the size of the buffer, the budget and the pipe arrive whole") {
  const std::size_t size =
      GENERATE(values<std::size_t>({0, 1, 65'535, 65'536, 65'537, 262'144, 1'048'577}));
  const Pace pace = GENERATE(Pace{}, Pace{true, 30'000}, Pace{false, 65'537});
  CAPTURE(size, to_string(pace));
  const std::string up = numbered_bytes(size);
  const std::string down = numbered_bytes(size, "-");
  RelayScene scene(pace, pace);
  scene.client.sends(up).ends().expects(down).expects_end();
  scene.upstream.sends(down).ends().expects(up).expects_end();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK(scene.bytes_up == size);
  CHECK(scene.bytes_down == size);
}

TEST_CASE("what one side does not take is not read from the other") {
  RelayScene scene;
  const bool up = GENERATE(true, false);
  Peer& from = up ? scene.client : scene.upstream;
  Peer& to = up ? scene.upstream : scene.client;
  const std::string bytes = numbered_bytes(1 << 20);
  to.takes(1000);
  from.sends(bytes);
  scene.start();
  settle(scene.loop);
  CHECK(to.received().size() == 1000);
  CHECK(bytes.size() - from.unread() <= 1000 + 2 * 64 * 1024);
  // The other direction does not care.
  to.sends("the other way");
  settle(scene.loop);
  CHECK(from.received() == "the other way");
  to.takes(1);
  settle(scene.loop);
  CHECK(to.received().size() == 1001);
  to.takes_all();
  CHECK(turn_until(scene.loop, [&] { return to.received().size() == bytes.size(); }));
  CHECK(to.received() == bytes);
}

TEST_CASE("an end waits for the bytes before it") {
  RelayScene scene;
  scene.upstream.takes(3);
  scene.client.sends("last words").ends();
  scene.start();
  settle(scene.loop);
  CHECK(scene.upstream.received() == "las");
  CHECK_FALSE(scene.upstream.received_end());
  scene.upstream.takes_all();
  scene.upstream.expects("last words").expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("a busy relay leaves others their turn") {
  RelayScene scene;
  scene.client.sends(std::string(4 << 20, 'x'));
  scene.start();
  std::size_t before = scene.client.unread();
  for (int turn = 0; turn < 3; ++turn) {
    scene.loop.turn(0);
    CHECK(before - scene.client.unread() > 0);
    CHECK(before - scene.client.unread() <= 512 * 1024);
    before = scene.client.unread();
  }
  // ... and goes on by itself.
  CHECK(turn_until(scene.loop, [&] { return scene.client.unread() == 0; }));
}

TEST_CASE("bytes that were put back go first") {
  Loop loop;
  Peer client(loop), upstream(loop);
  const auto client_stream = client.stream();
  const auto upstream_stream = upstream.stream();
  client_stream->unread("early ");
  upstream_stream->unread("glued ");
  client.sends("late");
  upstream.sends("more");
  std::string buffer(1000, '\0');
  PipePool pipes;
  const FlowResources resources{buffer, pipes};
  struct {
    void on_news(RelayNews) {}
  } owner;
  Relay relay(loop, *client_stream, *upstream_stream, resources, {},
              Callback<void(RelayNews)>::to<&decltype(owner)::on_news>(&owner));
  relay.start();
  settle(loop);
  CHECK(upstream.received() == "early late");
  CHECK(client.received() == "glued more");
}

TEST_CASE("a relay without a client ends once the upstream has all, and its FIN") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  RelayScene scene({}, pace);
  scene.client.sends("all that it says");
  scene.upstream.expects("all that it says").expects_end();
  scene.start();
  scene.relay->end_without_client();
  settle(scene.loop);
  CHECK(scene.done == 0);  // the client's end is not known yet
  scene.client.ends();
  // The upstream never ends its side.
  REQUIRE(turn_until(scene.loop, [&] {
    if (scene.done == 0) scene.relay->end_without_client();
    return scene.done == 1;
  }));
  CHECK(scene.upstream.verdict() == "");
  CHECK_FALSE(scene.upstream.closed_by_reset());
  CHECK(scene.end.cause == RelayEnd::Cause::finished);
  CHECK(scene.end.closed_by == Side::client);
  CHECK(scene.bytes_up == 16);
}

TEST_CASE("a relay is destroyed at any turn, and nothing of it is left") {
  const Pace pace = GENERATE(Pace{}, Pace{true, 16}, Pace{true, 1});
  const bool reset = GENERATE(false, true);
  for (int turns = 0; turns < 40; ++turns) {
    CAPTURE(to_string(pace), reset, turns);
    RelayScene scene(pace, pace);
    scene.client.sends("request").expects("answer").ends();
    scene.upstream.expects("request").sends("answer");
    if (reset) {
      scene.upstream.resets();
    } else {
      scene.upstream.ends();
    }
    scene.start();
    for (int i = 0; i < turns; ++i) scene.loop.turn(0);
    scene.destroy();
    CHECK(scene.client.closed());
    CHECK(scene.upstream.closed());
    settle(scene.loop, 3);
    CHECK(scene.done <= 1);
  }
}

TEST_CASE("a relay is small: there is one for each idle tunnel") { CHECK(sizeof(Relay) <= 248); }
