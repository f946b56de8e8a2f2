// Tunnels whose bytes wait for their turn.
#include "session/pacer.h"

#include <sys/socket.h>

#include <memory>
#include <random>

#include "net/tcp_stream.h"
#include "support/catch.h"
#include "support/relay_scene.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kRate = 100'000;

/// A relay with a rate for all, or for its client.
struct PacedScene {
  explicit PacedScene(Pace client_pace = {}, RelaySettings settings = {},
                      BandwidthRates rates = {.all = kRate})
      : relays(client_pace, {}, settings) {
    bandwidth.set_rates(rates);
    const auto ready = Callback<void()>::to<&PacedScene::on_ready>(this);
    const auto flow = [&](Direction direction) {
      return Bandwidth::Flow{.client = &usage, .direction = direction};
    };
    pacers.reset(new Pacers{{loop(), bandwidth, flow(Direction::up), ready},
                            {loop(), bandwidth, flow(Direction::down), ready}});
    relays.relay->pace(*pacers);
  }
  ~PacedScene() {
    relays.destroy();
    pacers.reset();
    for (const ClientUsage::Traffic& traffic : usage.traffic) CHECK(traffic.waiting == 0);
  }
  void on_ready() {
    if (relays.relay) relays.relay->resume();
  }
  Loop& loop() { return relays.loop; }
  /// Starts, and how long it takes.
  std::chrono::milliseconds run() {
    const auto begun = loop().now();
    relays.start();
    REQUIRE(turn_until(
        loop(), [&] { return relays.done > 0; }, 60s));
    return std::chrono::duration_cast<std::chrono::milliseconds>(loop().now() - begun);
  }
  void turn(std::chrono::milliseconds time) { turn_for(loop(), time); }

  RelayScene relays;
  Peer& client = relays.client;
  Peer& upstream = relays.upstream;
  Bandwidth bandwidth;
  ClientUsage usage;
  std::unique_ptr<Pacers> pacers;
};

/// A paced relay between real sockets, whose far ends never wait.
struct PacedSockets {
  explicit PacedSockets(std::uint64_t rate) {
    bandwidth.set_rates({.all = rate});
    const auto ready = Callback<void()>::to<&Relay::resume>(&relay);
    pacers.reset(new Pacers{{loop, bandwidth, {.direction = Direction::up}, ready},
                            {loop, bandwidth, {.direction = Direction::down}, ready}});
    relay.pace(*pacers);
    relay.start();
  }
  void on_news(RelayNews news) {
    if (news == RelayNews::end) FAIL("the relay has ended");
  }
  /// The upstream sends so much, or what its socket takes; how much that was.
  std::size_t send_some(std::size_t most) {
    const ssize_t count = send(upstream_pair.far.get(), sent.data(), most, MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  /// The client receives all that is there.
  void receive() {
    ssize_t count = 0;
    while ((count = recv(client_pair.far.get(), sink.data(), sink.size(), MSG_DONTWAIT)) > 0) {
      received += static_cast<std::size_t>(count);
    }
  }

  ManualClock clock;
  Loop loop{&clock};
  std::string buffer = std::string(64 * 1024, '\0');
  std::string sent = std::string(64 * 1024, 'x');
  std::string sink = std::string(64 * 1024, '\0');
  PipePool pipes;
  FlowResources resources{buffer, pipes};
  // What is written to a unix socket has arrived; one of TCP tells of room only where it lacked.
  SocketPair client_pair = tcp_pair();
  SocketPair upstream_pair = unix_pair();
  TcpStream client{loop, client_pair.near.release(), TcpStream::State::connected};
  TcpStream upstream{loop, upstream_pair.near.release(), TcpStream::State::connected};
  Bandwidth bandwidth;
  std::unique_ptr<Pacers> pacers;
  Relay relay{loop,      client, upstream,
              resources, {},     Callback<void(RelayNews)>::to<&PacedSockets::on_news>(this)};
  std::size_t received = 0;
};

const std::string kBytes = numbered_bytes(300'000);

}  // namespace

TEST_CASE("a paced tunnel takes its time, and no byte is lost") {
  PacedScene scene(GENERATE(Pace{}, Pace{true, Pace::kAll}, Pace{true, 7'000}), {},
                   GENERATE(BandwidthRates{.all = kRate}, BandwidthRates{.per_client = kRate}));
  scene.upstream.sends(kBytes).ends();
  scene.client.ends();
  const auto time = scene.run();
  CHECK(time >= 2'700ms);
  CHECK(time <= 3'300ms);
  CHECK(scene.client.received() == kBytes);
  CHECK(scene.client.received_end());
  CHECK(scene.relays.end.cause == RelayEnd::Cause::finished);
}

TEST_CASE("each direction of a tunnel has the whole rate") {
  PacedScene scene;
  scene.upstream.sends(kBytes).ends();
  scene.client.sends(kBytes).ends();
  CHECK(scene.run() <= 3'300ms);
  CHECK(scene.client.received() == kBytes);
  CHECK(scene.upstream.received() == kBytes);
}

TEST_CASE("a low rate is smooth") {
  PacedScene scene({}, {}, {.all = 64'000});
  scene.upstream.sends(kBytes);
  scene.relays.start();
  std::size_t before = 0;
  for (int i = 0; i < 20; ++i) {
    scene.turn(100ms);
    const std::size_t now = scene.client.received().size();
    CHECK(now - before <= 64'000 / 4);  // at first what was saved up
    if (i > 0) CHECK(now - before >= 64'000 / 20);
    before = now;
  }
}

TEST_CASE("a small message does not wait behind what nobody sends") {
  PacedScene scene;
  scene.relays.start();
  for (int i = 0; i < 5; ++i) {
    const auto begun = scene.loop().now();
    scene.client.sends("question");
    REQUIRE(turn_until(scene.loop(), [&] { return scene.client.unread() == 0; }));
    scene.upstream.sends("answer");
    REQUIRE(turn_until(scene.loop(), [&] { return scene.upstream.unread() == 0; }));
    CHECK(scene.loop().now() - begun <= 20ms);
  }
}

TEST_CASE("what a tunnel may not read yet does not wake it") {
  constexpr std::size_t kQuantum = 50'000;
  PacedSockets sockets(20 * kQuantum);
  const auto wakes_for = [&](std::size_t quanta) {
    const std::size_t end = sockets.received + quanta * kQuantum;
    std::size_t turns = 0;
    for (; sockets.received < end && turns < 10 * quanta; ++turns) {
      while (sockets.send_some(sockets.sent.size()) > 0) continue;
      sockets.loop.turn(1'000);
      sockets.receive();
    }
    return turns;
  };
  wakes_for(10);  // what was saved up
  // One to move a quantum; as many again if each arrival woke it.
  const std::size_t wakes = wakes_for(40);
  CHECK(wakes >= 40);
  CHECK(wakes <= 50);
}

TEST_CASE("a paced tunnel misses nothing, whenever in its wait that comes") {
  PacedSockets sockets(1'000'000);
  std::minstd_rand random(3);
  std::size_t sent = 0;
  for (int burst = 0; burst < 60; ++burst) {
    sent += sockets.send_some(1 + random() % 60'000);
    turn_for(sockets.loop, std::chrono::milliseconds(random() % 60));
    if (burst % 5 > 0) continue;
    REQUIRE(turn_until(sockets.loop, [&] {
      sockets.receive();
      return sockets.received == sent;
    }));
  }
}

TEST_CASE("a tunnel that waits for its turn is not idle") {
  const bool half_open = GENERATE(false, true);
  // A turn of the least size takes a second.
  PacedScene scene({}, half_open ? RelaySettings{0ms, 300ms} : RelaySettings{300ms, 0ms},
                   {.all = Bandwidth::kLeastQuantum});
  scene.upstream.sends(numbered_bytes(5 * Bandwidth::kLeastQuantum));
  if (half_open) scene.client.ends();
  scene.relays.start();
  scene.turn(3'500ms);
  CHECK(scene.relays.done == 0);
  CHECK(scene.client.received().size() >= 3 * Bandwidth::kLeastQuantum);
  REQUIRE(turn_until(
      scene.loop(), [&] { return scene.relays.done > 0; }, 20s));
  CHECK(scene.client.received().size() == 5 * Bandwidth::kLeastQuantum);
  CHECK(scene.relays.end.cause == (half_open ? RelayEnd::Cause::half_open : RelayEnd::Cause::idle));
}

TEST_CASE("a tunnel whose bytes had to wait says so, once") {
  PacedScene scene;
  scene.relays.start();
  settle(scene.loop());
  CHECK_FALSE(scene.relays.relay->take_paced());
  scene.upstream.sends(numbered_bytes(50'000));
  scene.turn(5s);
  CHECK(scene.client.received().size() == 50'000);
  CHECK(scene.relays.relay->take_paced());
  CHECK_FALSE(scene.relays.relay->take_paced());
}

TEST_CASE("while it is paced, one side ends and the other goes on") {
  PacedScene scene;
  scene.upstream.sends(kBytes);
  scene.relays.start();
  scene.turn(500ms);
  scene.client.ends();
  scene.turn(200ms);
  CHECK(scene.relays.done == 0);
  CHECK(scene.upstream.received_end());
  scene.upstream.ends();
  REQUIRE(turn_until(scene.loop(), [&] { return scene.relays.done > 0; }));
  CHECK(scene.client.received() == kBytes);
}

TEST_CASE("the client's reset ends a paced tunnel at once") {
  PacedScene scene;
  scene.upstream.sends(kBytes);
  scene.relays.start();
  scene.turn(500ms);
  CHECK(scene.pacers->down.waits());
  const auto begun = scene.loop().now();
  scene.client.resets();
  REQUIRE(turn_until(scene.loop(), [&] { return scene.relays.done > 0; }));
  CHECK(scene.loop().now() - begun <= 150ms);
  CHECK(scene.upstream.closed_by_reset());
  CHECK_FALSE(scene.pacers->down.waits());
}

TEST_CASE("what came before the upstream's reset is delivered in its turn") {
  PacedScene scene;
  scene.upstream.sends(kBytes).resets();
  const auto time = scene.run();
  CHECK(time >= 2'500ms);
  CHECK(scene.client.received() == kBytes);
  CHECK(scene.client.closed_by_reset());
  CHECK(scene.relays.end.cause == RelayEnd::Cause::reset);
}

TEST_CASE("an upstream that takes no more ends a paced upload") {
  PacedScene scene;
  scene.client.sends(kBytes);
  scene.relays.start();
  scene.turn(500ms);
  scene.upstream.refuses(EPIPE);
  scene.turn(200ms);
  scene.upstream.ends();
  REQUIRE(turn_until(scene.loop(), [&] { return scene.relays.done > 0; }));
  CHECK(scene.relays.end.cause == RelayEnd::Cause::reset);
}

TEST_CASE("a receiver that is slower than its rate leaves the rest to others") {
  PacedScene scene;
  scene.client.takes(1'000);
  scene.upstream.sends(kBytes);
  scene.relays.start();
  scene.turn(2s);
  CHECK_FALSE(scene.pacers->down.waits());
  CHECK(scene.usage.of(Direction::down).waiting == 0);
  Bandwidth::Flow other{.client = nullptr, .direction = Direction::down};
  CHECK(scene.bandwidth.take_turn(other, Bandwidth::kMostQuantum, scene.loop().now()).from <=
        scene.loop().now());
}

TEST_CASE("a paced tunnel may be cut or destroyed at any time") {
  const auto after = GENERATE(0ms, 1ms, 40ms, 130ms);
  PacedScene scene;
  scene.client.sends(kBytes);
  scene.upstream.sends(kBytes);
  scene.relays.start();
  if (after > 0ms) scene.turn(after);
  SECTION("cut") {
    scene.relays.relay->cut();
    scene.relays.destroy();
    CHECK(scene.client.closed_by_reset());
  }
  SECTION("stalled") { scene.relays.relay->end_stalled(); }
  SECTION("destroyed") { scene.relays.destroy(); }
}

TEST_CASE("a tunnel's lifetime ends it though bytes move") {
  PacedScene scene;
  scene.upstream.sends(kBytes);
  const auto begun = scene.loop().now();
  scene.relays.relay->start(begun + 1s);
  REQUIRE(turn_until(scene.loop(), [&] { return scene.relays.done > 0; }));
  CHECK(scene.loop().now() - begun == 1s);
  CHECK(scene.relays.end.cause == RelayEnd::Cause::lifetime);
  CHECK(scene.relays.end.closed_by == Side::local);
  CHECK(scene.client.closed_by_reset());
  CHECK(scene.client.received().size() < kBytes.size());
}

TEST_CASE("a tunnel's lifetime is the same when one side has ended") {
  RelayScene scene({}, {}, GENERATE(RelaySettings{}, RelaySettings{5s, 5s}));
  const auto begun = scene.loop.now();
  scene.relay->start(begun + 3s);
  turn_for(scene.loop, 1s);
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 3s);
  CHECK(scene.end.cause == RelayEnd::Cause::lifetime);
}

TEST_CASE("what is charged waits, and what is asked for stands behind it") {
  PacedScene scene;
  Pacer& pacer = scene.pacers->up;
  pacer.charge(6'000);  // what was saved up
  CHECK_FALSE(pacer.holds_back());
  pacer.charge(20'000);
  pacer.charge(1'000);
  CHECK(pacer.holds_back());
  CHECK(pacer.ask() == 0);
  scene.turn(201ms);
  CHECK_FALSE(pacer.holds_back());
  CHECK(pacer.ask() == 0);  // 10 ms later
  CHECK_FALSE(pacer.holds_back());
  scene.turn(11ms);
  CHECK(pacer.ask() > 0);
}

TEST_CASE("what came unasked for waits turn by turn, and others have theirs between") {
  PacedScene scene;
  ClientUsage other;
  Pacer& pacer = scene.pacers->up;
  pacer.charge(5'000'000);
  CHECK(pacer.holds_back());
  const auto now = scene.loop().now();
  const Bandwidth::Flow flow{.client = &other, .direction = Direction::up};
  CHECK(scene.bandwidth.take_turn(flow, 100, now).from <= now + 100ms);
  scene.turn(1s);
  CHECK(pacer.holds_back());
}

TEST_CASE("what is held back and never passed on costs nothing") {
  PacedScene scene;
  Pacer& pacer = scene.pacers->up;
  pacer.charge(1'000'000);
  scene.turn(5s);
  CHECK(pacer.holds_back());
  pacer.rest();
  CHECK_FALSE(pacer.holds_back());
  // All of it is there again, so nobody waits.
  const auto now = scene.loop().now();
  const Bandwidth::Flow flow{.client = nullptr, .direction = Direction::up};
  CHECK(scene.bandwidth.take_turn(flow, 5'000, now).from <= now);
  CHECK(scene.bandwidth.take_turn(flow, 1, now).from <= now);
}

TEST_CASE("a pacer of another client has nothing of the first") {
  PacedScene scene;
  ClientUsage other;
  REQUIRE(scene.pacers->up.ask() > 0);
  while (scene.pacers->up.ask() > 0) scene.pacers->up.took(scene.pacers->up.ask());
  CHECK(scene.usage.of(Direction::up).waiting == 1);
  scene.pacers->up.set_flow({.client = &other, .direction = Direction::up});
  CHECK(scene.usage.of(Direction::up).waiting == 0);
  CHECK_FALSE(scene.pacers->up.waits());
  CHECK(scene.pacers->up.ask() == 0);
  CHECK(other.of(Direction::up).waiting == 1);
  scene.pacers->up.rest();
  CHECK(other.of(Direction::up).waiting == 0);
}
