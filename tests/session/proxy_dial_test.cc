// The contract of a dial: one answer, and silence afterwards.
#include "dial/proxy_dial.h"

#include <optional>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/fake_names.h"
#include "support/route_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

const HostPort kTarget = HostPort::parse("gcr.io:443").value();

/// A dial through one upstream, and what it came to.
struct Attempt {
  explicit Attempt(UpstreamConfig config, std::chrono::milliseconds budget = 10s,
                   const HostPort& target = kTarget) {
    upstream.config = std::move(config);
    upstream.transport = transport;
    dial = std::make_unique<ProxyDial>(loop, upstream, target, ProxyDial::Purpose::tunnel,
                                       AddressCheck{}, budget, budget,
                                       DialDone::to<&Attempt::on_done>(this));
  }
  void on_done(DialResult outcome) {
    ++answers;
    result.emplace(std::move(outcome));
    if (destroy_in_callback) dial.reset();
  }

  ManualClock clock;
  Loop loop{&clock};
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(loop);
  Peer far{loop};
  Upstream upstream;
  std::unique_ptr<ProxyDial> dial;
  std::optional<DialResult> result;
  int answers = 0;
  bool destroy_in_callback = false;
};

/// A chain: b goes through a, and c through both.
struct Chain {
  Chain() {
    add(socks5(), "a");
    add(http(), "b");
    add(socks5(), "c");
  }
  void add(UpstreamConfig config, const char* name) {
    const std::size_t index = scene.upstreams.size();
    config.label = name;
    config.address = kTarget;
    if (index > 0) config.via_index = index - 1;
    scene.add(config);
    if (index > 0) {
      scene.upstreams[index]->transport =
          std::make_shared<ViaTransport>(scene.loop, *scene.upstreams[index - 1]);
    }
  }
  Error error_of_dial(std::chrono::milliseconds budget) {
    RouteScene::Request request;
    ProxyDial dial(scene.loop, *scene.upstreams.back(), kTarget, ProxyDial::Purpose::tunnel,
                   AddressCheck{}, budget, budget,
                   DialDone::to<&RouteScene::Request::on_done>(&request));
    dial.start();
    REQUIRE(turn_until(scene.loop, [&] { return request.done(); }));
    CHECK(dial.proxy_failed());
    return request.error();
  }

  RouteScene scene;
};

}  // namespace

TEST_CASE("a dial may be destroyed by its answer, good or bad, at once or later") {
  Attempt attempt(socks5());
  attempt.destroy_in_callback = true;
  attempt.transport->later(GENERATE(false, true));
  SECTION("connected") {
    attempt.transport->connects(attempt.far);
    attempt.far.hears("\x05\x01\x00"s)
        .says("\x05\x00"s)
        .hears("\x05\x01\x00\x03\x06gcr.io\x01\xbb"s);
    attempt.far.says("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s);
  }
  SECTION("refused") { attempt.transport->fails(ECONNREFUSED); }
  SECTION("closed") {
    attempt.transport->connects(attempt.far);
    attempt.far.ends();
  }
  SECTION("nonsense") {
    attempt.transport->connects(attempt.far);
    attempt.far.says("nonsense");
  }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 1);
  CHECK(attempt.transport->alive() == 0);
  attempt.result.reset();
  CHECK_FALSE(attempt.far.open());
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a dial that timed out has let go of everything, and stays silent") {
  SECTION("connecting") {
    Attempt attempt(socks5(), 20ms);
    attempt.transport->hangs();
    attempt.dial->start();
    REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    CHECK(attempt.transport->alive() == 0);
    attempt.transport->let_go(ECONNREFUSED);
    settle(attempt.loop, 10);
    CHECK(attempt.answers == 1);
  }
  SECTION("looking the target up") {
    UpstreamConfig config = socks5();
    config.resolve_local = true;
    const HostPort target = HostPort::parse("hangs.test:443").value();
    Attempt attempt(config, 20ms, target);
    {
      const HangingNames names;
      attempt.dial->start();
      REQUIRE(turn_until(attempt.loop, [&] { return names.waiting() == 1; }));
      attempt.clock.advance(20ms);
      REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    }
    REQUIRE(turn_until(attempt.loop, [&] { return !attempt.loop.busy(); }));
    CHECK(attempt.answers == 1);
  }
  SECTION("the handshake") {
    Attempt attempt(socks5(), 20ms);
    attempt.transport->connects(attempt.far);
    attempt.dial->start();
    REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    CHECK(attempt.far.closed());
  }
}

TEST_CASE("a dial counts its time from its start") {
  Attempt attempt(direct(), 30ms);
  attempt.transport->hangs();
  attempt.dial->start();
  const auto begun = attempt.loop.now();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.loop.now() - begun == 30ms);
  CHECK(attempt.result->error().code == Errc::connection_timeout);
  CHECK(attempt.result->error().side == Side::target);
}

TEST_CASE("?connect-timeout is for the whole attempt, within its budget") {
  UpstreamConfig config = GENERATE(socks5, http)();
  config.connect_timeout = 30ms;
  Attempt attempt(config, GENERATE(10'000ms, 30ms));
  attempt.transport->connects(attempt.far);
  const auto begun = attempt.loop.now();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.loop.now() - begun == 30ms);
  CHECK(attempt.result->error().code == Errc::connection_timeout);
  CHECK_THAT(attempt.result->error().text, Contains("did not answer the "));
}

TEST_CASE("a proxy that resets before its first word is asked whether it is still there") {
  Attempt attempt(GENERATE(socks5, socks4a, http)(), 200ms);
  Peer again{attempt.loop};
  const bool while_connecting = GENERATE(false, true);
  attempt.transport->later(GENERATE(false, true));
  if (while_connecting) {
    attempt.transport->fails(ECONNRESET);
  } else {
    attempt.transport->connects(attempt.far);
    attempt.far.resets();
  }
  bool gone = false;
  SECTION("no: it is gone, as if it had never been there") {
    attempt.transport->fails(ECONNREFUSED);
    gone = true;
  }
  SECTION("yes") { attempt.transport->connects(again); }
  SECTION("a reset again") { attempt.transport->fails(ECONNRESET); }
  SECTION("no answer") { attempt.transport->hangs(); }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->asked().size() == 2);
  REQUIRE_FALSE(*attempt.result);
  const Error& error = attempt.result->error();
  CHECK(error.code == (gone ? Errc::connection_refused : Errc::connection_terminated));
  CHECK(error.sys == (gone ? ECONNREFUSED : ECONNRESET));
  CHECK_THAT(error.text, Contains(gone               ? "refused the connection"
                                  : while_connecting ? "reset the connection"
                                                     : "closed the connection"));
  if (gone) CHECK(attempt.dial->proxy_failed());
  CHECK_FALSE(attempt.far.open());
  CHECK_FALSE(again.open());
  CHECK(again.heard().empty());
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 1);
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a proxy that resets after its first word was there") {
  Attempt attempt(socks5());
  attempt.transport->connects(attempt.far);
  attempt.far.hears("\x05\x01\x00"s).says("\x05\x00"s).resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->asked().size() == 1);
  CHECK(attempt.result->error().code == Errc::connection_terminated);
}

TEST_CASE("what resets behind a hop is not asked again") {
  UpstreamConfig config = socks5();
  config.via_index = 1;
  Attempt attempt(config);
  attempt.transport->connects(attempt.far);
  attempt.far.resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->asked().size() == 1);
}

TEST_CASE("while a proxy is asked whether it is still there the dial may be cancelled") {
  Attempt attempt(socks5());
  attempt.transport->connects(attempt.far).hangs();
  attempt.far.resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.transport->asked().size() == 2; }));
  attempt.dial.reset();
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 0);
  CHECK(attempt.transport->alive() == 0);
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a chain whose first hop is gone names this one, the last one and the target") {
  Chain chain;
  chain.scene.proxy(0).fails(ECONNREFUSED);
  CHECK(chain.error_of_dial(10s).text ==
        "upstream c is out of reach for gcr.io:443: upstream a refused the connection - is the "
        "tunnel up?");
}

TEST_CASE("a chain with long names keeps the cause") {
  Chain chain;
  for (const auto& upstream : chain.scene.upstreams) {
    upstream->config.label = "http://" + std::string(200, upstream->config.label[0]);
  }
  chain.scene.proxy(0).fails(ECONNREFUSED);
  const std::string text = chain.error_of_dial(10s).text;
  CHECK(text.size() <= 191);
  CHECK_THAT(text, StartsWith("upstream http://ccc") && Contains("gcr.io:443: ") &&
                       EndsWith("aaa refused the connection - is the tunnel up?"));
}

TEST_CASE("a chain whose time is over names the hop that was waited for") {
  Chain chain;
  Peer& far = chain.scene.peer();
  std::string expected;
  SECTION("connecting to the first") {
    expected =
        "upstream c is out of reach for gcr.io:443: upstream a did not accept the connection";
  }
  SECTION("the first one's greeting") {
    chain.scene.proxy(0).connects(far);
    expected = "upstream c is out of reach for gcr.io:443: upstream a did not answer the greeting";
  }
  SECTION("the middle one") {
    chain.scene.proxy(0).connects(far);
    greet(far);
    grant(far);
    expected = "upstream c is out of reach for gcr.io:443: upstream b did not answer the request";
  }
  SECTION("the last one") {
    chain.scene.proxy(0).connects(far);
    greet(far);
    grant(far);
    far.hears("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
        .says("HTTP/1.1 200 OK\r\n\r\n");
    expected = "upstream c did not answer the greeting";
  }
  const Error error = chain.error_of_dial(300ms);
  CHECK(error.code == Errc::connection_timeout);
  CHECK_THAT(error.text, StartsWith(expected + " within ") && Contains("gcr.io:443"));
}
