// How a tunnel that was lost or cut ends for its client: in an EOF within a TLS record, or in a
// reset.
#include "support/catch.h"
#include "support/client_hello.h"
#include "support/relay_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kClientHello = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"s;
const std::string kServerHello = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76"s;
const std::string kRecord = "\x17\x03\x03\x40\x11 half of a record"s;
const std::string kGoConnect =
    "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\nUser-Agent: Go-http-client/1.1\r\n\r\n";

/// A relay that has carried the opening of TLS, and part of a record.
struct TlsScene : RelayScene {
  explicit TlsScene(Pace pace = {}, RelaySettings settings = {.eof_when_lost = EofWhenLost::most})
      : RelayScene(pace, pace, settings) {
    start();
    client.sends(kClientHello);
    upstream.sends(kServerHello + kRecord);
    CHECK(turn_until(loop, [&] {
      return client.received() == kServerHello + kRecord && upstream.received() == kClientHello;
    }));
  }
};

/// A session in a tunnel, with or without TLS in it.
struct TunnelScene : Scene {
  explicit TunnelScene(std::string connect = kGoConnect, LostTunnel how = LostTunnel::automatic,
                       bool tls = true, StallLimit stall = {}) {
    config.reset_stalled = stall;
    config.lost_tunnel = how;
    config.idle_timeout = 20s;
    client.sends(connect).expects(std::string(kEstablished));
    client.sends(tls ? kClientHello : "up");
    upstream.sends(tls ? kServerHello + kRecord : "down");
    Scene::start();
    settle(loop);
    before = client.received();
    CHECK(before == (tls ? kServerHello + kRecord : "down"));
  }
  std::string end_bytes() const { return client.received().substr(before.size()); }
  void check_eof() {
    CHECK(end_bytes() == kUnfinishedRecord);
    CHECK(client.received_end());
    client.ends();  // as a client does that has read it
    REQUIRE(run());
    CHECK(client.closed());
    CHECK_FALSE(client.closed_by_reset());
  }
  void check_reset() {
    REQUIRE(run());
    CHECK(end_bytes().empty());
    CHECK_FALSE(client.received_end());
    CHECK(client.closed_by_reset());
  }

  std::string before;
};

}  // namespace

TEST_CASE("a lost TLS tunnel is to end in an EOF within a record where that is wanted") {
  TlsScene scene(GENERATE(from_range(kPaces)));
  SECTION("reset by the upstream") {
    scene.upstream.sends("last").resets();
    REQUIRE(scene.run());
    CHECK(scene.client.received() == kServerHello + kRecord + "last");
    CHECK(scene.end.cause == RelayEnd::Cause::reset);
    CHECK(scene.end.closed_by == Side::upstream);
  }
  SECTION("timed out") {
    scene.upstream.resets(ETIMEDOUT);
    REQUIRE(scene.run());
    CHECK(scene.end.sys == ETIMEDOUT);
  }
  SECTION("found by writing to it") {
    scene.upstream.refuses(EPIPE);
    scene.client.sends("a request");
    settle(scene.loop);
    scene.upstream.resets();
    REQUIRE(scene.run());
    CHECK(scene.end.closed_by == Side::upstream);
  }
  CHECK(scene.end.client_gets_eof);
  CHECK_FALSE(scene.client.closed_by_reset());
}

TEST_CASE("a client with docker's cipher suites gets a reset, unless everybody gets an EOF") {
  const auto who = GENERATE(EofWhenLost::most, EofWhenLost::everybody);
  RelayScene scene({}, {}, {.eof_when_lost = who});
  scene.start();
  scene.client.sends(client_hello("\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xc0\x13\x13\x01"s));
  scene.upstream.sends(kServerHello).resets();
  REQUIRE(scene.run());
  CHECK(scene.end.client_gets_eof == (who == EofWhenLost::everybody));
}

TEST_CASE("all that came before an upstream's reset is written before the EOF") {
  TlsScene scene;
  const std::string bytes = numbered_bytes(300'000);
  scene.client.takes(10);
  scene.upstream.sends(bytes).resets();
  settle(scene.loop);
  CHECK(scene.done == 0);
  scene.client.takes_all();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == kServerHello + kRecord + bytes);
  CHECK(scene.end.client_gets_eof);
}

TEST_CASE("an orderly end of the upstream stays what it is") {
  TlsScene scene;
  scene.upstream.ends();
  settle(scene.loop);
  CHECK(scene.client.received() == kServerHello + kRecord);
  CHECK(scene.client.received_end());
  SECTION("and so does the end of the tunnel") {
    scene.client.ends();
    REQUIRE(scene.run());
    CHECK(scene.end.cause == RelayEnd::Cause::finished);
  }
  SECTION("nothing can follow it, whatever happens then") {
    scene.upstream.resets();
    scene.client.sends("a request");
    REQUIRE(scene.run());
    CHECK(scene.client.closed_by_reset());
  }
  CHECK_FALSE(scene.end.client_gets_eof);
}

TEST_CASE("a client that is lost itself gets nothing") {
  TlsScene scene;
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK_FALSE(scene.end.client_gets_eof);
  CHECK(scene.upstream.closed_by_reset());
}

TEST_CASE("without TLS in both directions a lost tunnel ends in a reset") {
  RelayScene scene({}, {}, {.eof_when_lost = EofWhenLost::most});
  scene.start();
  SECTION("none") {
    scene.client.sends("GET / HTTP/1.1\r\n\r\n");
    scene.upstream.sends("HTTP/1.1 200 OK\r\n\r\n");
  }
  SECTION("only the client began it") {
    scene.client.sends(kClientHello);
    scene.upstream.sends("\x15\x03\x01\x00\x02\x02\x28"s);
  }
  SECTION("no answer yet") { scene.client.sends(kClientHello); }
  SECTION("only the upstream began it") {
    scene.client.sends("STARTTLS");
    scene.upstream.sends(kServerHello);
  }
  settle(scene.loop);
  scene.upstream.resets();
  REQUIRE(scene.run());
  CHECK_FALSE(scene.end.client_gets_eof);
  CHECK(scene.client.closed_by_reset());
}

TEST_CASE("a relay's timeouts end in an EOF, too, and the upstream is reset") {
  const bool half_open = GENERATE(false, true);
  TlsScene scene({}, {.idle = 600ms, .half_open = 300ms, .eof_when_lost = EofWhenLost::most});
  if (half_open) scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.end.cause == (half_open ? RelayEnd::Cause::half_open : RelayEnd::Cause::idle));
  CHECK(scene.end.client_gets_eof);
  CHECK(scene.upstream.closed_by_reset());
  CHECK_FALSE(scene.client.closed_by_reset());
}

TEST_CASE("who gets an EOF: Go programs by default, all or nobody if told so") {
  const std::string other_connect = GENERATE(
      std::string(kConnect),
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\nUser-Agent: curl/7.88.1\r\n\r\n"s,
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\nUser-Agent: not-Go-http-client/1.1\r\n\r\n"s);
  SECTION("a Go program") {
    TunnelScene scene(kGoConnect, GENERATE(LostTunnel::automatic, LostTunnel::eof));
    scene.upstream.resets();
    settle(scene.loop);
    scene.check_eof();
  }
  SECTION("another") {
    TunnelScene scene(other_connect);
    scene.upstream.resets();
    scene.check_reset();
  }
  SECTION("another, with eof") {
    TunnelScene scene(other_connect, LostTunnel::eof);
    scene.upstream.resets();
    settle(scene.loop);
    scene.check_eof();
  }
  SECTION("a Go program, with reset") {
    TunnelScene scene(kGoConnect, LostTunnel::reset);
    scene.upstream.resets();
    scene.check_reset();
  }
  SECTION("without TLS") {
    TunnelScene scene(kGoConnect, GENERATE(LostTunnel::automatic, LostTunnel::eof), false);
    scene.upstream.resets();
    scene.check_reset();
  }
}

TEST_CASE("a session reports a lost tunnel as it does any other, and its bytes without the EOF's") {
  TunnelScene scene;
  SECTION("lost") {
    scene.upstream.resets();
    settle(scene.loop);
    scene.check_eof();
    CHECK_THAT(scene.access_text(),
               Contains(" outcome=connection_terminated stage=tunnel status=200 ") &&
                   Contains(" closed_by=upstream ") && Contains("Connection reset by peer"));
  }
  SECTION("idle") {
    turn_for(scene.loop, 20s);
    settle(scene.loop);
    scene.check_eof();
    CHECK_THAT(scene.access_text(), Contains(" outcome=idle_timeout ") &&
                                        Contains(" closed_by=culvert ") &&
                                        Contains("--idle-timeout"));
  }
  SECTION("cut") {
    scene.session->cut("told to");
    CHECK(scene.finished == 0);
    settle(scene.loop);
    scene.check_eof();
    CHECK_THAT(scene.access_text(), Contains(" outcome=aborted stage=tunnel ") &&
                                        Contains(" closed_by=culvert ") && Contains("told to"));
  }
  CHECK_THAT(scene.access_text(),
             Contains(" bytes_up=" + std::to_string(kClientHello.size()) + " ") &&
                 Contains(" bytes_down=" + std::to_string(scene.before.size()) + " "));
  CHECK_FALSE(scene.upstream.open());
}

TEST_CASE("a stalled tunnel ends as a lost one, and its target is one that is resumed") {
  TunnelScene scene(kGoConnect, LostTunnel::automatic, true, {.time = 5s});
  CHECK(scene.end_bytes().empty());
  scene.upstream.sends(numbered_bytes(StallWatch::kLeast));
  turn_for(scene.loop, 4s);
  scene.before = scene.client.received();
  CHECK_FALSE(scene.resumptions.is_resumption("gcr.io:443", scene.loop.now()));
  turn_for(scene.loop, 3s);
  CHECK(scene.upstream.closed_by_reset());
  scene.check_eof();
  CHECK_THAT(scene.access_text(), Contains(" outcome=stalled stage=tunnel status=200 ") &&
                                      Contains(" closed_by=culvert ") &&
                                      Contains("nothing moved for 5.0 s") &&
                                      Contains("--reset-stalled"));
  CHECK(scene.resumptions.is_resumption("gcr.io:443", scene.loop.now()));
}

TEST_CASE("a session is cut as it is aborted where nobody gets an EOF") {
  TunnelScene scene{std::string(kConnect)};
  scene.session->cut("told to");
  CHECK(scene.finished == 1);
  CHECK(scene.client.closed_by_reset());
  CHECK(scene.upstream.closed_by_reset());
}

TEST_CASE("an aborted session gives the EOF to a client that takes it at once") {
  TunnelScene scene;
  SECTION("it does") {
    scene.session->abort("told to");
    CHECK(scene.end_bytes() == kUnfinishedRecord);
    CHECK(scene.client.received_end());
    CHECK_FALSE(scene.client.closed_by_reset());
  }
  SECTION("it does not") {
    scene.client.takes(0);
    scene.session->abort("told to");
    CHECK(scene.client.closed_by_reset());
    CHECK_FALSE(scene.client.received_end());
  }
  CHECK(scene.finished == 1);
  CHECK(scene.upstream.closed_by_reset());
}

TEST_CASE("a session that is ending may be cut and aborted as well") {
  TunnelScene scene;
  const bool blocked = GENERATE(false, true);
  if (blocked) scene.client.takes(0);
  scene.session->cut("the first reason");
  settle(scene.loop);
  CHECK(scene.finished == 0);
  scene.session->cut("another");
  settle(scene.loop);
  CHECK(scene.finished == 0);
  scene.session->abort("another");
  CHECK(scene.finished == 1);
  CHECK(scene.client.closed_by_reset() == blocked);
  CHECK_THAT(scene.access_text(), Contains("the first reason") && !Contains("another"));
}

TEST_CASE("a client that takes nothing is reset in the end, and one that never closes is closed") {
  TunnelScene scene;
  const bool blocked = GENERATE(false, true);
  if (blocked) scene.client.takes(0);
  scene.upstream.resets();
  REQUIRE(scene.run());
  CHECK(scene.client.closed_by_reset() == blocked);
  CHECK_THAT(scene.access_text(), Contains(" outcome=connection_terminated "));
}

TEST_CASE("what the client still sends to a lost tunnel is discarded") {
  TunnelScene scene;
  scene.client.sends(numbered_bytes(200'000));
  scene.upstream.resets();
  settle(scene.loop);
  scene.client.sends("an alert").ends();
  REQUIRE(scene.run());
  CHECK(scene.client.unread() == 0);
  CHECK_FALSE(scene.client.closed_by_reset());
}

TEST_CASE("a session is destroyed while its client gets the end") {
  TunnelScene scene;
  scene.upstream.resets();
  if (GENERATE(false, true)) settle(scene.loop);
  scene.end_session();
  settle(scene.loop);
  CHECK(scene.client.closed());
}
