// Connections that wait for a request, and are never seen to have died.
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <thread>
#include <vector>

#include "dial/warm_keeper.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr DialLimits kImpatient{.budget = 5s, .hold = 0ms};

/// An upstream with so many warm connections, which have done their greeting.
struct Warmed {
  explicit Warmed(std::size_t wanted, const UpstreamConfig& config = socks5())
      : upstream(scene.add(config)) {
    for (std::size_t i = 0; i < wanted; ++i) next();
    upstream.warm = std::make_shared<WarmPool>();
    keeper = std::make_unique<WarmKeeper>(scene.loop, upstream, wanted);
    settle(scene.loop);
    CHECK(scene.dials(0) == wanted);
  }
  /// The peer of the next connection.
  Peer& next() {
    Peer& peer = scene.peer();
    peers.push_back(&peer);
    if (upstream.config.kind == UpstreamConfig::Kind::socks5) answer_greeting(peer);
    scene.proxy(0).connects(peer);
    return peer;
  }

  RouteScene scene;
  Upstream& upstream;
  std::vector<Peer*> peers;
  std::unique_ptr<WarmKeeper> keeper;
};

}  // namespace

TEST_CASE("a warm connection needs no more than the request, and another takes its place") {
  Warmed warmed(2);
  Peer& newest = *warmed.peers[1];
  newest.expects(kSocks5Request);
  auto& request = warmed.scene.ask(kImpatient);
  CHECK(newest.verdict() == "");
  CHECK(warmed.scene.dials(0) == 2);
  warmed.next();
  settle(warmed.scene.loop);
  CHECK(warmed.scene.dials(0) == 3);
  newest.sends(kSocks5Granted).sends("glued");
  settle(warmed.scene.loop);
  REQUIRE(request.connected());
  std::array<char, 10> buffer;
  CHECK((**request.result)->try_read(buffer).bytes == 5);
}

TEST_CASE("requests beyond the warm connections make their own") {
  Warmed warmed(1);
  grant(*warmed.peers[0]);
  Peer& own = warmed.next();
  grant(own);
  auto& first = warmed.scene.ask(kImpatient);
  auto& second = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  CHECK(first.connected());
  CHECK(second.connected());
  CHECK(own.verdict() == "");
}

TEST_CASE("a warm connection that turns out to be dead is replaced by a fresh one") {
  Warmed warmed(1);
  Peer& stale = *warmed.peers[0];
  Peer& fresh = warmed.next();
  grant(fresh);
  SECTION("the end comes with the answer") { stale.expects(kSocks5Request).ends(); }
  SECTION("a reset comes with the answer") { stale.expects(kSocks5Request).resets(); }
  SECTION("it cannot be written to") { stale.refuses(EPIPE); }
  SECTION("the end is there and nobody has been told") { stale.ends(); }
  SECTION("the reset is there and nobody has been told") { stale.resets(); }
  SECTION("a byte is there and nobody has been told") { stale.sends("?"); }
  auto& request = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  CHECK(request.connected());
  CHECK(stale.closed());
  CHECK(fresh.verdict() == "");
  CHECK(request.dial->failures() == "");
}

namespace {

/// Half of this budget is how long a warm connection may be silent.
constexpr DialLimits kShort{.budget = 1s, .hold = 0ms};
constexpr auto kSilence = kShort.budget / 2;

/// A request on a silent warm connection, so that another one is being dialed.
struct Silence {
  explicit Silence(std::size_t wanted = 1) : warmed(wanted), silent(*warmed.peers.back()) {
    silent.expects(kSocks5Request);
    warmed.next();  // refills the pool
    fresh = &warmed.next();
    request = &warmed.scene.ask(kShort);
    turn_for(warmed.scene.loop, kSilence - 1ms);
    CHECK_FALSE(fresh->open());
    turn_for(warmed.scene.loop, 1ms);
    CHECK(fresh->open());
    CHECK(warmed.scene.dials(0) == wanted + 2);
    CHECK(silent.open());
    CHECK_FALSE(request->done());
  }

  Warmed warmed;
  Peer& silent;
  Peer* fresh = nullptr;
  RouteScene::Request* request = nullptr;
};

}  // namespace

TEST_CASE("a silent warm connection is overtaken by a fresh one") {
  Silence scene(2);
  Peer& as_old = *scene.warmed.peers[0];
  Peer& instead = scene.warmed.next();
  scene.warmed.next();
  grant(*scene.fresh);
  settle(scene.warmed.scene.loop);
  CHECK(scene.request->connected());
  CHECK(scene.silent.closed());
  CHECK(scene.request->dial->failures() == "");
  // The others may have died in the same way.
  CHECK(as_old.closed());
  CHECK(instead.open());
}

TEST_CASE("a warm connection whose target is slow may still answer") {
  Silence scene;
  SECTION("yes") { scene.silent.sends(kSocks5Granted); }
  SECTION("no") { scene.silent.sends(kSocks5Refused); }
  const bool yes = scene.silent.unread() == kSocks5Granted.size();
  settle(scene.warmed.scene.loop);
  REQUIRE(scene.request->done());
  CHECK(scene.request->connected() == yes);
  if (!yes) CHECK(scene.request->error().code == Errc::connection_refused);
  CHECK(scene.fresh->closed());
}

TEST_CASE("a warm connection that ends while a fresh one is under way is not missed") {
  Silence scene;
  scene.silent.resets();
  settle(scene.warmed.scene.loop);
  CHECK(scene.silent.closed());
  CHECK_FALSE(scene.request->done());
  grant(*scene.fresh);
  settle(scene.warmed.scene.loop);
  CHECK(scene.request->connected());
}

TEST_CASE("a silent warm connection is waited for when the fresh one only fails") {
  Warmed warmed(1);
  Peer& silent = *warmed.peers.back();
  silent.expects(kSocks5Request);
  warmed.next();  // refills the pool
  Peer& mute = warmed.scene.peer();
  mute.ends();
  const bool refused = GENERATE(true, false);
  if (refused) {
    warmed.scene.proxy(0).fails(ECONNREFUSED);
  } else {
    warmed.scene.proxy(0).connects(mute);
  }
  auto& request = warmed.scene.ask(kShort);
  turn_for(warmed.scene.loop, kSilence);
  settle(warmed.scene.loop);
  REQUIRE(warmed.scene.dials(0) == 3);
  CHECK_FALSE(request.done());
  CHECK(silent.open());
  SECTION("it says yes") { silent.sends(kSocks5Granted); }
  SECTION("it dies") { silent.resets(); }
  SECTION("it stays silent") {
    turn_for(warmed.scene.loop, kShort.budget - kSilence - 1ms);
    CHECK_FALSE(request.done());
    turn_for(warmed.scene.loop, 1ms);
  }
  settle(warmed.scene.loop);
  REQUIRE(request.done());
  if (request.connected()) {
    CHECK(silent.verdict().empty());
  } else {
    CHECK(silent.closed());
    CHECK_THAT(request.error().text,
               Contains(refused ? "refused the connection" : "during the greeting"));
  }
  CHECK(request.connected() == !silent.closed());
}

TEST_CASE("a refusal on the fresh connection beside a silent warm one is reported at once") {
  Silence scene;
  scene.fresh->expects(kSocks5Request).sends(kSocks5Refused);
  settle(scene.warmed.scene.loop);
  REQUIRE(scene.request->done());
  CHECK(scene.request->error().code == Errc::connection_refused);
  CHECK(scene.silent.closed());
}

TEST_CASE("beside a silent warm connection, the outcome of the fresh one is reported") {
  Silence scene;
  Errc expected = Errc::connection_timeout;
  SECTION("the target refuses") {
    scene.fresh->expects(kSocks5Request).sends(kSocks5Refused);
    expected = Errc::connection_refused;
  }
  SECTION("it says nothing either") {
    turn_for(scene.warmed.scene.loop, kShort.budget - kSilence - 1ms);
    CHECK_FALSE(scene.request->done());
    turn_for(scene.warmed.scene.loop, 1ms);
  }
  settle(scene.warmed.scene.loop);
  REQUIRE(scene.request->done());
  CHECK(scene.request->error().code == expected);
  CHECK(scene.silent.closed());
  CHECK(scene.fresh->closed());
}

TEST_CASE("a client that leaves takes both connections with it") {
  Silence scene;
  scene.request->dial.reset();
  CHECK(scene.silent.closed());
  CHECK(scene.fresh->closed());
}

TEST_CASE("RFC 9110 15.5.9: 408 on a warm connection is about the wait, not about the request") {
  Warmed warmed(1, http());
  const std::string connect = "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n";
  const std::string late = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n";
  warmed.peers[0]->expects(connect).sends(late).ends();
  Peer& fresh = warmed.next();
  fresh.expects(connect);
  const bool again = GENERATE(false, true);
  fresh.sends(again ? late : "HTTP/1.1 200 OK\r\n\r\n");
  auto& request = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  REQUIRE(request.done());
  CHECK(request.connected() == !again);
  CHECK(warmed.peers[0]->closed());
  if (again) CHECK(request.error().code == Errc::destination_unavailable);
}

TEST_CASE("if the fresh connection fails too, its failure is reported") {
  Warmed warmed(1);
  warmed.peers[0]->expects(kSocks5Request).ends();
  warmed.scene.proxy(0).fails(ECONNREFUSED);
  auto& request = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  REQUIRE(request.done());
  CHECK(request.error().code == Errc::connection_refused);
}

TEST_CASE("an answer on a warm connection is an answer, whatever follows") {
  Warmed warmed(1);
  SECTION("no") { warmed.peers[0]->expects(kSocks5Request).sends(kSocks5Refused).ends(); }
  SECTION("half of one") { warmed.peers[0]->expects(kSocks5Request).sends("\x05").ends(); }
  auto& request = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  REQUIRE(request.done());
  CHECK_FALSE(request.connected());
  CHECK(warmed.peers[0]->closed());
}

TEST_CASE("whatever comes on a waiting connection spoils it, and the pool takes a rest") {
  Warmed warmed(2);
  Peer& spoilt = *warmed.peers[0];
  SECTION("the end") { spoilt.ends(); }
  SECTION("a reset") { spoilt.resets(); }
  SECTION("a byte") { spoilt.sends("?"); }
  settle(warmed.scene.loop);
  CHECK(spoilt.closed());
  CHECK(warmed.peers[1]->open());
  CHECK(warmed.scene.dials(0) == 2);
  // The other one is as good as ever.
  grant(*warmed.peers[1]);
  auto& request = warmed.scene.ask(kImpatient);
  settle(warmed.scene.loop);
  CHECK(request.connected());
  CHECK(warmed.scene.dials(0) == 2);
}

TEST_CASE("an event without bytes spoils nothing, as TLS has some for itself") {
  Warmed warmed(1);
  warmed.peers[0]->takes_all();
  settle(warmed.scene.loop);
  CHECK(warmed.peers[0]->open());
}

TEST_CASE("a pool whose proxy is away dials again after a pause, and logs nothing") {
  Warmed warmed(0);
  warmed.scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  warmed.keeper = std::make_unique<WarmKeeper>(warmed.scene.loop, warmed.upstream, 3);
  settle(warmed.scene.loop);
  CHECK(warmed.scene.dials(0) == 1);
  // A request is not kept from trying.
  CHECK_FALSE(warmed.scene.ask_and_wait(kImpatient).connected());
  CHECK(warmed.scene.dials(0) == 2);
  Peer& back = warmed.next();
  turn_for(warmed.scene.loop, 1999ms);
  CHECK_FALSE(back.open());
  turn_for(warmed.scene.loop, 1ms);
  CHECK(back.open());
  CHECK_FALSE(warmed.upstream.health->view(warmed.scene.loop.now()).open);
}

TEST_CASE(
    "a request that asks the proxy nothing takes no warm connection: who would notice its end") {
  Warmed warmed(1, http());
  Peer& own = warmed.next();
  auto& scene = warmed.scene;
  CHECK(scene.ask(scene.target, kImpatient, DialPurpose::forward).connected());
  CHECK(own.open());
  CHECK(warmed.peers[0]->open());
}

TEST_CASE("a pool goes while it fills") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  Peer& greeting = scene.peer();
  scene.proxy(0).connects(greeting).hangs();
  upstream.warm = std::make_shared<WarmPool>();
  auto keeper = std::make_unique<WarmKeeper>(scene.loop, upstream, 2);
  settle(scene.loop);
  CHECK(scene.dials(0) == 2);
  keeper.reset();
  CHECK(greeting.closed());
  CHECK(scene.proxy(0).alive() == 0);
}

namespace {

/// A pool over real sockets, tended by one loop and used by others.
struct RealPool {
  explicit RealPool(std::size_t wanted) : listening(listen_on_loopback(port)) {
    upstream.config.kind = UpstreamConfig::Kind::http;
    upstream.config.address = HostPort{"127.0.0.1", port, IpAddress::parse("127.0.0.1")};
    upstream.transport = std::make_shared<TcpTransport>(tending);
    upstream.warm = std::make_shared<WarmPool>();
    keeper = std::make_unique<WarmKeeper>(tending, upstream, wanted);
  }
  /// The proxy's side of the next connection.
  Fd accept_one() { return Fd(accept4(listening.get(), nullptr, nullptr, SOCK_NONBLOCK)); }

  std::uint16_t port = 0;
  Fd listening;
  Loop tending;
  Upstream upstream;
  std::unique_ptr<WarmKeeper> keeper;
};

}  // namespace

TEST_CASE("one pool serves every worker, and holds N connections whoever takes from it") {
  RealPool pool(2);
  std::vector<Fd> accepted;
  const auto accept_until = [&](std::size_t count) {
    return turn_until(pool.tending, [&] {
      while (accepted.size() < count) {
        Fd fd = pool.accept_one();
        if (fd.get() < 0) return false;
        accepted.push_back(std::move(fd));
      }
      return true;
    });
  };
  fcntl(pool.listening.get(), F_SETFL, O_NONBLOCK);
  REQUIRE(accept_until(2));
  settle(pool.tending, 10);
  std::thread worker([&] {
    Loop loop;
    const auto taken = pool.upstream.warm->take(loop);
    REQUIRE(taken);
    CHECK(taken->try_write(std::string_view("hello")).status == Io::Status::ok);
    const auto also = pool.upstream.warm->take(loop);
    CHECK(also);
  });
  worker.join();
  std::string received;
  for (const Fd& fd : accepted) received += receive_now(fd).bytes;
  CHECK(received == "hello");
  // Two are held again, and no more.
  REQUIRE(accept_until(4));
  settle(pool.tending, 20);
  CHECK(pool.accept_one().get() < 0);
}

TEST_CASE(
    "a pooled connection that the proxy closes is noticed, whichever loop might have had it") {
  RealPool pool(1);
  fcntl(pool.listening.get(), F_SETFL, O_NONBLOCK);
  Fd proxy;
  REQUIRE(turn_until(pool.tending, [&] { return (proxy = pool.accept_one()).get() >= 0; }));
  settle(pool.tending, 10);
  const std::size_t before = open_files();
  proxy.reset();
  CHECK(turn_until(pool.tending, [&] { return open_files() == before - 2; }));
  Loop other;
  CHECK(pool.upstream.warm->take(other) == nullptr);
}

TEST_CASE("a pool without a keeper has nothing to give, and wakes nobody") {
  RealPool pool(1);
  fcntl(pool.listening.get(), F_SETFL, O_NONBLOCK);
  Fd proxy;
  REQUIRE(turn_until(pool.tending, [&] { return (proxy = pool.accept_one()).get() >= 0; }));
  settle(pool.tending, 10);
  Loop other;
  SECTION("the keeper goes while a worker's wake-up is on its way") {
    CHECK(pool.upstream.warm->take(other) != nullptr);
    pool.keeper.reset();
    settle(pool.tending, 10);
    CHECK(pool.accept_one().get() < 0);
  }
  SECTION("the keeper has gone") {
    pool.keeper.reset();
    CHECK(pool.upstream.warm->take(other) == nullptr);
    pool.upstream.warm->discard_all();
  }
}
