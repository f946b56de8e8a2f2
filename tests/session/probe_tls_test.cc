// Upstreams that must bring a TLS server's answer.
#include <optional>
#include <string>

#include "codec/tls_opening.h"
#include "dial/prober.h"
#include "support/catch.h"
#include "support/client_hello.h"
#include "support/route_scene.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kServerHello = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76"s;
const std::string kAlert = "\x15\x03\x03\x00\x02\x02\x28"s;

/// An upstream that is probed for TLS at gcr.io:443, and whose probe failed before.
struct ProbedTls {
  ProbedTls() { upstream.health->probe_failed_quietly(); }

  /// The next connection, which the upstream grants.
  Peer& granted() {
    Peer& peer = scene.peer();
    scene.proxy(0).connects(peer);
    answer_greeting(peer);
    return grant(peer);
  }
  void begin() {
    prober.emplace(scene.loop, scene.log(), upstream, scene.target, 20s, ProbeFor::tls_answer);
    settle(scene.loop);
  }
  bool failed() { return probe_has_failed(upstream); }
  bool waits() { return failed() && scene.log_text().empty(); }

  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  std::optional<Prober> prober;
};

}  // namespace

TEST_CASE("a TLS server's answer passes the probe, whatever it says, and in any pieces") {
  ProbedTls probed;
  Peer& peer = probed.granted();
  probed.begin();
  CHECK(probed.waits());
  TlsOpening opening;
  opening.feed(peer.received());
  CHECK(opening.recognised());
  const std::string answer = GENERATE_COPY(kServerHello, kAlert);
  if (GENERATE(true, false)) {
    for (const char c : answer) {
      peer.sends(std::string(1, c));
      settle(probed.scene.loop);
      if (peer.closed()) break;
    }
  } else {
    peer.sends(answer).ends();
  }
  settle(probed.scene.loop);
  CHECK_FALSE(probed.failed());
  CHECK(peer.closed());
}

TEST_CASE("an upstream that grants anything fails the probe, and is told why") {
  ProbedTls probed;
  Peer& peer = probed.granted();
  std::string why;
  SECTION("a web server") {
    peer.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    why =
        "said yes to gcr.io:443, but what answers there speaks HTTP, not TLS: the upstream may be "
        "a web server";
  }
  SECTION("another server") {
    peer.sends("220 smtp.example\r\n");
    why = "but what answers there is no TLS server";
  }
  SECTION("an echo") {
    peer.sends(client_hello("\x13\x01"));
    why = "but what answers there is no TLS server";
  }
  SECTION("one that closes") {
    peer.ends();
    why =
        "said yes to gcr.io:443 and closed at once without an answer to TLS: it may say yes "
        "before it has connected";
  }
  SECTION("one that resets") {
    peer.resets();
    why = "said yes to gcr.io:443 and closed at once without an answer to TLS";
  }
  SECTION("one that closes within its answer") {
    peer.sends(kServerHello.substr(0, 4)).ends();
    why = "and closed at once without an answer to TLS";
  }
  probed.begin();
  CHECK(probed.failed());
  CHECK(peer.closed());
  CHECK_THAT(probed.scene.log_text(), Contains("warning probe: upstream socks5") && Contains(why));
  // What it grants a client proves as little.
  probed.scene.grants(0);
  CHECK(probed.scene.ask_and_wait().connected());
  CHECK(probed.failed());
  // The proxy itself works.
  CHECK_FALSE(probed.upstream.health->breaker().down_since().has_value());
}

TEST_CASE("a black hole behind an early grant fails the probe when its time is over") {
  ProbedTls probed;
  const bool begun = GENERATE(true, false);
  const bool own_limit = GENERATE(true, false);
  if (own_limit) probed.upstream.config.connect_timeout = 2s;
  Peer& peer = probed.granted();
  if (begun) peer.sends(kServerHello.substr(0, 3));
  probed.begin();
  turn_for(probed.scene.loop, own_limit ? 1'900ms : 7'900ms);
  CHECK(probed.waits());
  turn_for(probed.scene.loop, 200ms);
  CHECK(peer.closed());
  CHECK_THAT(probed.scene.log_text(), Contains(begun ? "but no whole TLS record came back within "
                                                     : "but no byte came back within ") &&
                                          Contains(own_limit ? "2.0 s" : "8.0 s"));
}

TEST_CASE("an upstream that does not take the hello at once gets the rest of it later") {
  ProbedTls probed;
  Peer& peer = probed.granted();
  peer.takes(kSocks5Greeting.size() + kSocks5Request.size() + 20);
  probed.begin();
  CHECK(peer.received().size() == 20);
  peer.takes_all();
  settle(probed.scene.loop);
  CHECK(peer.received().size() > 100);
  peer.sends(kServerHello);
  settle(probed.scene.loop);
  CHECK_FALSE(probed.failed());
}

TEST_CASE("a prober can be ended at any stage, and leaves nothing open") {
  ProbedTls probed;
  Peer* peer = nullptr;
  SECTION("before it has begun") {
    probed.prober.emplace(probed.scene.loop, probed.scene.log(), probed.upstream,
                          probed.scene.target, 20s, ProbeFor::tls_answer);
  }
  SECTION("while it connects") {
    probed.scene.proxy(0).hangs();
    probed.begin();
  }
  SECTION("during the greeting") {
    peer = &probed.scene.peer();
    probed.scene.proxy(0).connects(*peer);
    probed.begin();
  }
  SECTION("while it sends its hello") {
    peer = &probed.granted();
    peer->takes(kSocks5Greeting.size() + kSocks5Request.size() + 20);
    probed.begin();
  }
  SECTION("while it waits for an answer") {
    peer = &probed.granted();
    probed.begin();
  }
  SECTION("within the answer") {
    peer = &probed.granted();
    peer->sends(kServerHello.substr(0, 4));
    probed.begin();
  }
  SECTION("between two probes") {
    peer = &probed.granted();
    peer->sends(kServerHello);
    probed.begin();
  }
  probed.prober.reset();
  CHECK(probed.scene.proxy(0).alive() == 0);
  if (peer != nullptr) CHECK(peer->closed());
  settle(probed.scene.loop);
  CHECK_FALSE(probed.scene.loop.busy());
}
