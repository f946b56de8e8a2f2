// Names that are looked up here, although the proxy could do it.
#include "dial/resolving_dial.h"

#include "support/catch.h"
#include "support/fake_names.h"
#include "support/session_scene.h"
#include "support/turns.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

TEST_CASE("with resolve=local the name is looked up here") {
  Scene scene;
  UpstreamConfig config = GENERATE(socks5, socks4a)();
  const bool socks4 = config.kind == UpstreamConfig::Kind::socks4a;
  config.resolve_local = true;
  scene.add(config);
  scene.client.sends("CONNECT both.test:443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  SECTION("to the address that is preferred, or that SOCKS4a has words for") {
    set_addresses("both.test", {"2001:db8::7", "192.0.2.7"});
    if (socks4) {
      scene.upstream.expects("\x04\x01\x01\xbb\xc0\x00\x02\x07\x00"s);
    } else {
      answer_greeting(scene.upstream).expects("\x05\x01\x00\x04\x20\x01\x0d\xb8"s);
    }
    scene.start();
    CHECK(turn_until(scene.loop, [&] { return scene.upstream.verdict().empty(); }));
  }
  SECTION("to an address that SOCKS4a has no words for") {
    set_addresses("both.test", {"2001:db8::7"});
    scene.start();
    if (socks4) {
      const Answer answer = scene.answer();
      CHECK(answer.status == 502);
      CHECK_THAT(answer.reason, Contains("no IPv6 addresses"));
    }
  }
  SECTION("and does not resolve") {
    set_addresses("both.test", {});
    scene.start();
    const Answer answer = scene.answer();
    CHECK(answer.status == 502);
    CHECK_THAT(answer.reason,
               Contains("target both.test:443 does not resolve here") && Contains("resolve=local"));
    CHECK(scene.dials() == 0);
  }
}

TEST_CASE("a local lookup that hangs is a 504, and nothing waits for it") {
  Scene scene;
  const HangingNames names;
  UpstreamConfig config = socks5();
  config.resolve_local = true;
  scene.config.connect_timeout = 300ms;
  scene.add(config);
  scene.client.sends("CONNECT hangs.test:443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return names.waiting() == 1; }));
  scene.clock.advance(300ms);
  REQUIRE(turn_until(scene.loop, [&] { return scene.finished > 0; }));
  const Answer answer = parse_answer(scene.client.received());
  CHECK(answer.status == 504);
  CHECK_THAT(answer.reason, Contains("target hangs.test:443 did not resolve here within 0.3 s"));
}

TEST_CASE("a failure names the client's target, after the address that the proxy got") {
  set_addresses("both.test", {"192.0.2.7"});
  UpstreamConfig config = socks5();
  config.resolve_local = true;
  Attempt attempt(config, 10s, HostPort::parse("both.test:443").value());
  attempt.transport->connects(attempt.far);
  answer_greeting(attempt.far)
      .expects("\x05\x01\x00\x01\xc0\x00\x02\x07\x01\xbb"s)
      .sends(kSocks5Refused);
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.result->error().text ==
        "upstream " + config.label +
            " says 192.0.2.7:443 refused the connection (SOCKS reply 5) (for both.test:443)");
}
