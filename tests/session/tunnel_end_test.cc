// What the end of a tunnel tells about its upstream.
#include "session/tunnel_end.h"

#include "support/catch.h"
#include "support/client_hello.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const char* const kTooEarly = "before its first byte: did it say yes too early?";

/// A tunnel to gcr.io:443 that an upstream has granted, and in which nothing has moved.
struct Granted {
  explicit Granted(const UpstreamConfig& config = socks5()) : upstream(scene.add(config)) {
    if (upstream.config.kind == UpstreamConfig::Kind::socks5) {
      grant(answer_greeting(scene.upstream));
    }
    scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
    if (upstream.config.kind == UpstreamConfig::Kind::http) {
      scene.upstream.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n");
    }
  }
  void begin() {
    scene.start();
    settle(scene.loop);
    REQUIRE(scene.client.verdict() == "");
    REQUIRE(scene.finished == 0);
  }
  std::string line() {
    REQUIRE(scene.run());
    return scene.access_text();
  }
  std::size_t counted() { return upstream.health->early_grants(); }

  Scene scene;
  Upstream& upstream;
};

}  // namespace

TEST_CASE("an upstream that grants and ends the tunnel before its first byte may be too early") {
  Granted tunnel(GENERATE(socks5, http)());
  const bool client_spoke = GENERATE(true, false);
  const bool reset = GENERATE(true, false);
  tunnel.begin();
  if (client_spoke) tunnel.scene.client.sends(client_hello("\x13\x01"));
  settle(tunnel.scene.loop);
  reset ? tunnel.scene.upstream.resets() : tunnel.scene.upstream.ends();
  settle(tunnel.scene.loop);
  tunnel.scene.client.ends();
  CHECK_THAT(tunnel.line(),
             Contains(" outcome=connection_terminated stage=tunnel status=200 ") &&
                 Contains(" closed_by=upstream ") && Contains(kTooEarly) &&
                 Contains(reset ? "Connection reset by peer" : "the upstream closed"));
  CHECK(tunnel.counted() == 1);
  CHECK_THAT(tunnel.scene.log_text(),
             Contains("said yes and closed before its first byte, 1 times"));
  if (reset) CHECK(tunnel.scene.client.closed_by_reset());
}

TEST_CASE("a client that sent nothing for long may have been given up by its target") {
  Granted tunnel;
  tunnel.begin();
  const bool late = GENERATE(true, false);
  turn_for(tunnel.scene.loop, late ? 5'000ms : 4'900ms);
  tunnel.scene.upstream.ends();
  settle(tunnel.scene.loop);
  tunnel.scene.client.ends();
  CHECK_THAT(tunnel.line(), Contains(late ? " outcome=ok " : " outcome=connection_terminated "));
  CHECK(tunnel.counted() == (late ? 0 : 1));
}

TEST_CASE("these ends are no early grants") {
  Granted tunnel;
  tunnel.begin();
  SECTION("a tunnel that its client opened in vain, as registry clients do") {
    tunnel.scene.client.ends();
    settle(tunnel.scene.loop);
    tunnel.scene.upstream.ends();
    CHECK_THAT(tunnel.line(), Contains(" outcome=ok ") && Contains(" closed_by=client"));
  }
  SECTION("the same, and it resets") {
    tunnel.scene.client.resets();
    CHECK_THAT(tunnel.line(), Contains(" closed_by=client"));
  }
  SECTION("the network has failed") {
    tunnel.scene.client.sends("hello");
    settle(tunnel.scene.loop);
    tunnel.scene.upstream.resets(ETIMEDOUT);
    CHECK_THAT(tunnel.line(), Contains("Connection timed out") && !Contains("too early"));
  }
  SECTION("a byte has come") {
    tunnel.scene.upstream.sends("x").ends();
    tunnel.scene.client.ends();
    CHECK_THAT(tunnel.line(), Contains(" outcome=ok ") && Contains(" bytes_down=1 "));
  }
  SECTION("we end it") {
    tunnel.scene.client.sends("hello");
    settle(tunnel.scene.loop);
    tunnel.scene.session->abort("told to");
    CHECK_THAT(tunnel.line(), Contains(" outcome=aborted "));
  }
  CHECK(tunnel.counted() == 0);
  CHECK(tunnel.scene.log_text().empty());
}

TEST_CASE("a WebSocket whose 101 was its only byte is no early grant") {
  Scene scene;
  Upstream& upstream = scene.add(socks5());
  answer_greeting(scene.upstream)
      .expects("\x05\x01\x00\x03\x06gcr.io\x00\x50"s)
      .sends(kSocks5Granted +
             "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
             "Upgrade: websocket\r\n\r\n");
  scene.client.sends(
      "GET http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\nConnection: Upgrade\r\n"
      "Upgrade: websocket\r\n\r\n");
  scene.start();
  settle(scene.loop);
  scene.client.sends("frame");
  settle(scene.loop);
  scene.upstream.ends();
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" status=101 ") && !Contains("too early"));
  CHECK(upstream.health->early_grants() == 0);
}

TEST_CASE("an upstream's early grants are told wherever they may be the cause") {
  Granted tunnel;
  tunnel.upstream.health->early_grant("other.test:443", tunnel.scene.loop.now());
  tunnel.scene.config.idle_timeout = 5s;
  tunnel.begin();
  const char* const clause = "no byte came back - it has said yes too early 1 time lately";
  SECTION("a client that gives up") {
    tunnel.scene.client.sends("hello");
    settle(tunnel.scene.loop);
    tunnel.scene.client.ends();
    settle(tunnel.scene.loop);
    tunnel.scene.upstream.ends();
    CHECK_THAT(tunnel.line(), Contains(clause) && Contains(" outcome=ok "));
  }
  SECTION("a tunnel that is given up") {
    tunnel.scene.client.sends("hello");
    CHECK_THAT(tunnel.line(), Contains(clause) && Contains("nothing moved, see --idle-timeout; "));
  }
  SECTION("not where nothing was asked") {
    tunnel.scene.client.ends();
    settle(tunnel.scene.loop);
    tunnel.scene.upstream.ends();
    CHECK_THAT(tunnel.line(), !Contains("too early"));
  }
  SECTION("not where something came back") {
    tunnel.scene.client.sends("hello");
    tunnel.scene.upstream.sends("x");
    CHECK_THAT(tunnel.line(), !Contains("too early"));
  }
}

TEST_CASE("a slow look-up beside a tunnel in which nothing moves is told") {
  Granted tunnel;
  tunnel.scene.config.idle_timeout = 5s;
  tunnel.begin();
  const HostPort slow = HostPort::parse("slow.example:443").value();
  PendingLookups::Entry entry;
  PendingLookups& lookups = tunnel.upstream.health->lookups();
  lookups.add(entry, slow, tunnel.scene.loop.now());
  const char* const clause = "a look-up may hold it up: slow.example:443 waited for ";
  SECTION("it waits still") {
    CHECK_THAT(tunnel.line(), Contains(clause) && Contains("5.0 s"));
    lookups.remove(entry, tunnel.scene.loop.now());
  }
  SECTION("it ended while nothing moved") {
    turn_for(tunnel.scene.loop, 4s);
    lookups.remove(entry, tunnel.scene.loop.now());
    CHECK_THAT(tunnel.line(), Contains(clause) && Contains("4.0 s"));
  }
  SECTION("it was quick") {
    lookups.remove(entry, tunnel.scene.loop.now());
    CHECK_THAT(tunnel.line(), Contains(" outcome=idle_timeout ") && !Contains("look-up"));
  }
}

TEST_CASE("TLS that is answered in HTTP is named, as its client cannot") {
  const auto kind = GENERATE(0, 1, 2);
  Granted tunnel(kind == 0 ? socks5() : kind == 1 ? http() : direct());
  tunnel.begin();
  const bool tls = GENERATE(true, false);
  tunnel.scene.client.sends(tls ? client_hello("\x13\x01") : "GET / HTTP/1.1\r\n\r\n");
  settle(tunnel.scene.loop);
  tunnel.scene.upstream.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
  settle(tunnel.scene.loop);
  if (GENERATE(true, false)) {
    tunnel.scene.upstream.ends();
  } else {
    tunnel.scene.client.resets();
  }
  tunnel.scene.client.ends();
  const std::string line = tunnel.line();
  if (!tls) {
    CHECK_THAT(line, !Contains("answered in HTTP"));
    CHECK(tunnel.scene.log_text().empty());
    return;
  }
  const bool has_proxy = kind != 2;
  CHECK_THAT(line, Contains("TLS was answered in HTTP"));
  CHECK((line.find("is the upstream a web server") != std::string::npos) == has_proxy);
  const std::string log = tunnel.scene.log_text();
  CHECK_THAT(log, Contains("the TLS of a client to gcr.io:443 was answered in HTTP, 1 times") &&
                      Contains("that port may speak plain HTTP"));
  CHECK((log.find("a web server that says 200 to anything") != std::string::npos) == has_proxy);
}
