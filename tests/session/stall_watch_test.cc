// Tunnels that have stalled, and the silent ones beside them.
#include "session/stall_watch.h"

#include <deque>
#include <vector>

#include "net/manual_clock.h"
#include "net/walk_part.h"
#include "session/pacer.h"
#include "support/catch.h"
#include "support/memory_file.h"
#include "support/numbered_bytes.h"
#include "support/scripted_stream.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr std::size_t kMuch = StallWatch::kLeast;

class StallScene {
 public:
  /// A tunnel that has carried `down` bytes.
  struct Tunnel {
    Tunnel(StallScene& owner, Upstream& through, std::string_view target)
        : scene(owner),
          client(owner.loop),
          far_end(owner.loop),
          client_stream(client.stream()),
          upstream_stream(far_end.stream()),
          relay(std::make_unique<Relay>(owner.loop, *client_stream, *upstream_stream,
                                        owner.resources_, RelaySettings{},
                                        Callback<void(RelayNews)>::to<&Tunnel::on_news>(this))) {
      owner.watch_.add(*relay, through, target);
      relay->start();
    }
    ~Tunnel() { close(); }
    void on_news(RelayNews news) {
      if (news != RelayNews::end) return;
      end = relay->end();
      close();
    }
    void close() {
      if (relay) scene.watch_.remove(*relay);
      relay.reset();
      client_stream.reset();
      upstream_stream.reset();
    }
    bool open() const { return relay != nullptr; }
    bool stalled() const { return !open() && end.cause == RelayEnd::Cause::stalled; }

    StallScene& scene;
    Peer client;
    Peer far_end;
    std::unique_ptr<Stream> client_stream;
    std::unique_ptr<Stream> upstream_stream;
    std::unique_ptr<Relay> relay;
    RelayEnd end;
  };

  explicit StallScene(StallLimit limit = {.time = 10s})
      : log_(file_.fd(), -1, Log::Level::info, Log::Format::text), watch_(loop, log_, limit) {
    upstream.config = other_upstream.config = socks5();
  }
  ~StallScene() {
    tunnels_.clear();
    CHECK_FALSE(loop.busy());
  }

  /// Nothing happens yet.
  Tunnel& open_quietly(Upstream& through, std::string_view target = "gcr.io:443") {
    return tunnels_.emplace_back(*this, through, target);
  }
  Tunnel& open(std::size_t down = 0) { return open_through(upstream, down); }
  Tunnel& open_through(Upstream& through, std::size_t down,
                       std::string_view target = "gcr.io:443") {
    Tunnel& tunnel = open_quietly(through, target);
    if (down > 0) tunnel.far_end.sends(numbered_bytes(down));
    settle(loop);
    return tunnel;
  }
  bool preferred(const Upstream& which) { return which.health->view(loop.now()).is_preferred(); }
  std::string log_text() {
    log_.flush();
    return file_.text();
  }

  ManualClock clock;
  Loop loop{&clock};
  Upstream upstream;
  Upstream other_upstream;

 private:
  MemoryFile file_;
  Log log_;
  StallWatch watch_;
  std::string buffer_ = std::string(64 * 1024, '\0');
  PipePool pipes_;
  FlowResources resources_{buffer_, pipes_};
  std::deque<Tunnel> tunnels_;
};

}  // namespace

TEST_CASE(
    "a tunnel that has carried much ends once nothing moves, and counts against its upstream") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch);
  turn_for(scene.loop, 9s);
  CHECK(tunnel.open());
  CHECK(scene.preferred(scene.upstream));
  turn_for(scene.loop, 4s);
  CHECK(tunnel.stalled());
  CHECK(tunnel.end.closed_by == Side::local);
  CHECK(tunnel.client.closed_by_reset());
  CHECK(tunnel.far_end.closed_by_reset());
  CHECK_FALSE(scene.preferred(scene.upstream));
  CHECK(scene.preferred(scene.other_upstream));
  CHECK_THAT(scene.log_text(), Contains("upstream socks5://proxy.example:1080 stalled: nothing "
                                        "moved for 10.0 s in a tunnel, see --reset-stalled"));
}

TEST_CASE("a tunnel that has carried little may be silent") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch - 1);
  turn_for(scene.loop, 60s);
  CHECK(tunnel.open());
  CHECK(scene.preferred(scene.upstream));
}

TEST_CASE("whatever moves in either direction postpones it") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch);
  Peer& from = GENERATE(true, false) ? tunnel.client : tunnel.far_end;
  for (int i = 0; i < 8; ++i) {
    turn_for(scene.loop, 8s);
    from.sends("x");
  }
  CHECK(tunnel.open());
}

TEST_CASE("with a rate, what moves must be enough") {
  StallScene scene({.time = 10s, .rate = 100});
  auto& tunnel = scene.open(kMuch);
  const std::size_t each = GENERATE(std::size_t{50}, std::size_t{150});
  for (int i = 0; i < 15; ++i) {
    turn_for(scene.loop, 1s);
    if (tunnel.open()) tunnel.far_end.sends(std::string(each, 'x'));
  }
  CHECK(tunnel.open() == (each > 100));
  CHECK(scene.preferred(scene.upstream) == (each > 100));
}

TEST_CASE("a client that does not take what is there is slow, and nothing has stalled") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch);
  SECTION("we hold it") {
    tunnel.client.takes(5);
    tunnel.far_end.sends(numbered_bytes(100'000));
  }
  SECTION("the kernel does") { tunnel.client.holds_back(1); }
  turn_for(scene.loop, 60s);
  CHECK(tunnel.open());
  // Only when it has taken all does the time begin.
  tunnel.client.takes_all();
  tunnel.client.holds_back(0);
  turn_for(scene.loop, 8s);
  CHECK(tunnel.open());
  turn_for(scene.loop, 5s);
  CHECK(tunnel.stalled());
}

TEST_CASE("an upstream that has finished owes nothing, so the rest of its tunnel may be silent") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch);
  auto& idle = scene.open(1000);
  tunnel.far_end.ends();
  turn_for(scene.loop, 60s);
  CHECK(tunnel.open());
  CHECK(idle.open());
  CHECK(scene.preferred(scene.upstream));
  // Nor does it end with others.
  auto& stalling = scene.open(kMuch);
  turn_for(scene.loop, 14s);
  CHECK(stalling.stalled());
  CHECK(tunnel.open());
}

TEST_CASE("an upload that the upstream does not take has stalled") {
  StallScene scene;
  auto& tunnel = scene.open();
  tunnel.client.sends(numbered_bytes(kMuch));
  settle(scene.loop);
  tunnel.far_end.takes(5);
  tunnel.client.sends(numbered_bytes(100'000));
  turn_for(scene.loop, 14s);
  CHECK(tunnel.stalled());
}

TEST_CASE("with a tunnel that stalls those end that are as silent, through the same upstream") {
  StallScene scene;
  auto& idle = scene.open(1000);
  auto& quiet = scene.open_through(scene.other_upstream, kMuch - 1);
  auto& busy = scene.open(1000);
  auto& asking = scene.open(1000);
  turn_for(scene.loop, 3s);
  auto& tunnel = scene.open(kMuch);
  for (int i = 0; i < 7; ++i) {
    turn_for(scene.loop, 2s);
    if (busy.open()) busy.far_end.sends("x");
    // To ask over a dead line does not make it alive.
    if (asking.open()) asking.client.sends("x");
  }
  CHECK(tunnel.stalled());
  CHECK(idle.stalled());
  CHECK(asking.stalled());
  CHECK(busy.open());
  CHECK(quiet.open());
  // One that begins afterwards is not concerned.
  auto& fresh = scene.open();
  turn_for(scene.loop, 60s);
  CHECK(fresh.open());
}

TEST_CASE("directly, only the silent tunnels to the same target end with one that stalls") {
  StallScene scene;
  scene.upstream.config = direct();
  auto& same = scene.open(1000);
  auto& other = scene.open_through(scene.upstream, 1000, "host.example:22");
  auto& busy = scene.open(1000);
  auto& tunnel = scene.open(kMuch);
  for (int i = 0; i < 7; ++i) {
    turn_for(scene.loop, 2s);
    busy.far_end.sends("x");
  }
  CHECK(tunnel.stalled());
  CHECK(same.stalled());
  CHECK(other.open());
  CHECK(busy.open());
  CHECK_FALSE(scene.preferred(scene.upstream));
}

TEST_CASE("a tunnel that stalls in another worker ends the silent ones of this one") {
  StallScene scene;
  auto& idle = scene.open(1000);
  turn_for(scene.loop, 5s);
  auto& busy = scene.open(1000);
  turn_for(scene.loop, 5s);
  scene.upstream.health->stalled(scene.loop.now() - 10s, scene.loop.now());
  turn_for(scene.loop, 3s);
  CHECK(idle.stalled());
  CHECK(busy.open());
}

TEST_CASE("several that stall together are reported once") {
  StallScene scene;
  for (int i = 0; i < 3; ++i) scene.open(kMuch);
  turn_for(scene.loop, 14s);
  const std::string text = scene.log_text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}

TEST_CASE("a tunnel may end by itself at any time while it is watched") {
  StallScene scene;
  auto& tunnel = scene.open(kMuch);
  turn_for(scene.loop, 9s);
  SECTION("both sides have finished") {
    tunnel.client.ends();
    tunnel.far_end.ends();
  }
  SECTION("it is being reset when its time is over") {
    tunnel.client.holds_back(1000);
    tunnel.far_end.resets();
  }
  SECTION("it is destroyed") { tunnel.close(); }
  turn_for(scene.loop, 30s);
  CHECK_FALSE(tunnel.open());
  CHECK(tunnel.end.cause != RelayEnd::Cause::stalled);
  CHECK(scene.preferred(scene.upstream));
}

TEST_CASE("a look-up beyond the upstream that may hold its tunnels up is told with the stall") {
  StallScene scene;
  const HostPort slow = HostPort::parse("slow.example:443").value();
  PendingLookups::Entry entry;
  PendingLookups& lookups = scene.upstream.health->lookups();
  auto& tunnel = scene.open(kMuch);
  const bool waits = GENERATE(true, false);
  if (waits) lookups.add(entry, slow, scene.loop.now());
  turn_for(scene.loop, 13s);
  CHECK(tunnel.stalled());
  CHECK((scene.log_text().find("a look-up may hold it up: slow.example:443 waited for ") !=
         std::string::npos) == waits);
  if (waits) lookups.remove(entry, scene.loop.now());
}

TEST_CASE("a tunnel that is slow because of our own limit has not stalled") {
  StallScene scene({.time = 10s, .rate = 1 << 20});
  auto& tunnel = scene.open(kMuch);
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 64 * 1024});
  struct Ready {
    void call() {
      if (tunnel.relay) tunnel.relay->resume();
    }
    StallScene::Tunnel& tunnel;
  } ready{tunnel};
  const auto on_ready = Callback<void()>::to<&Ready::call>(&ready);
  Pacers pacers{{scene.loop, bandwidth, {.direction = Direction::up}, on_ready},
                {scene.loop, bandwidth, {.direction = Direction::down}, on_ready}};
  tunnel.relay->pace(pacers);
  tunnel.far_end.sends(numbered_bytes(20 * 64 * 1024));
  turn_for(scene.loop, 18s);
  CHECK(tunnel.open());
  // Until there is nothing that waits.
  turn_for(scene.loop, 20s);
  CHECK(tunnel.stalled());
  tunnel.close();
}

TEST_CASE("of more tunnels than one look takes those end that have stalled, and no others") {
  StallScene scene;
  constexpr std::size_t kMany = WalkPart::kMost + 100;
  std::vector<StallScene::Tunnel*> tunnels;
  for (std::size_t i = 0; i < kMany; ++i) {
    tunnels.push_back(&scene.open_quietly(scene.upstream));
  }
  auto& stalled = scene.open(kMuch);
  turn_for(scene.loop, 9s);
  // Those that hear something now are not silent with it.
  for (std::size_t i = 0; i < kMany; i += 2) tunnels[i]->far_end.sends("x");
  turn_for(scene.loop, 6s);
  CHECK(stalled.stalled());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < kMany; ++i) {
    if (tunnels[i]->open() != (i % 2 == 0)) ++wrong;
  }
  CHECK(wrong == 0);
}
