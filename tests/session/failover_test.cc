// Routes with several upstreams, and upstreams that come and go.

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/// A SOCKS5 server that grants the request, and a tunnel that ends.
void serve_socks5(Peer& upstream) { grant(answer_greeting(upstream)).expects_end().ends(); }

/// An HTTP proxy that grants the request, and a tunnel that ends.
void serve_http(Peer& upstream) {
  upstream.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n").expects_end().ends();
}

void ask(Scene& scene) { scene.client.sends(std::string(kConnect)).ends(); }

void check_tunnel(Scene& scene, const std::string& label) {
  scene.client.expects(std::string(kEstablished));
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" upstream=" + label) && Contains(" outcome=ok "));
}

}  // namespace

TEST_CASE("if the first upstream fails, the second one is tried") {
  Scene scene;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  SECTION("it refuses") { scene.transport->fails(ECONNREFUSED).connects(second); }
  SECTION("it refuses, later") { scene.transport->later().fails(ECONNREFUSED).connects(second); }
  SECTION("it closes") {
    scene.upstream.ends();
    scene.transport->connects(scene.upstream).connects(second);
  }
  SECTION("it says no") {
    answer_greeting(scene.upstream).expects(kSocks5Request).sends("\x05\x01");
    scene.transport->connects(scene.upstream).connects(second);
  }
  serve_http(second);
  ask(scene);
  scene.start();
  check_tunnel(scene, "http://proxy.example:1080");
  CHECK(second.verdict() == "");
  CHECK(scene.dials() == 2);
  CHECK_FALSE(scene.upstream.open());
  CHECK_THAT(scene.access_text(),
             Contains(" detail=\"attempts failed: upstream socks5://proxy.example:1080 ") &&
                 !Contains(";"));
  CHECK_THAT(scene.log_text(), !Contains("attempts failed"));
}

TEST_CASE("a plain request names what failed before it, the next on its connection does not") {
  Scene scene;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  scene.transport->fails(ECONNREFUSED).connects(second);
  scene.start();
  for (int i = 0; i < 2; ++i) {
    scene.client.sends("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
    settle(scene.loop);
    second.sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    settle(scene.loop);
  }
  scene.client.ends();
  REQUIRE(scene.run());
  const std::string lines = scene.access_text();
  const std::size_t end_of_first = lines.find('\n');
  CHECK_THAT(lines.substr(0, end_of_first),
             Contains(" upstream=http://proxy.example:1080 outcome=ok ") &&
                 Contains(" detail=\"attempts failed: upstream socks5://proxy.example:1080 "
                          "refused the connection"));
  CHECK_THAT(lines.substr(end_of_first), Contains(" outcome=ok ") && !Contains("detail="));
}

TEST_CASE("attempts that failed before a tunnel are logged beside how the tunnel ended") {
  Scene scene;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  scene.transport->fails(ECONNREFUSED).connects(second);
  second.expects(std::string(kConnect)).sends("HTTP/1.1 200 OK\r\n\r\n").resets();
  scene.client.sends(std::string(kConnect));
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" outcome=connection_terminated ") &&
                                      Contains("; attempts failed: upstream socks5://"));
}

TEST_CASE("a first upstream that is silent leaves time for the second") {
  Scene scene;
  UpstreamConfig slow = socks5();
  slow.connect_timeout = 30ms;
  scene.add(slow);
  scene.add(http());
  Peer second(scene.loop);
  scene.transport->hangs().connects(second);
  serve_http(second);
  ask(scene);
  scene.start();
  check_tunnel(scene, "http://proxy.example:1080");
}

TEST_CASE("of several failures the client gets the most specific one, the log all") {
  Scene scene;
  scene.add(socks5());
  scene.add(http());
  const std::string telling = "socks5://proxy.example:1080 says gcr.io:443 refused the connection";
  const std::string in_short = "socks5://proxy.example:1080 says the target refused the connection";
  const std::string other = "http://proxy.example:1080 refused the connection";
  answer_greeting(scene.upstream).expects(kSocks5Request).sends(kSocks5Refused);
  scene.transport->connects(scene.upstream).fails(ECONNREFUSED);
  ask(scene);
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains("2 upstreams failed: " + in_short) && Contains(other) &&
                                Contains(" (for gcr.io:443)"));
  CHECK_THAT(scene.log_text(), Contains(telling) && Contains(other));
  CHECK_THAT(answer.body, Contains(telling) && Contains(other + " - is the tunnel up?"));
  CHECK_THAT(answer.head, Contains("; details=\"upstream socks5://") && Contains(telling));
}

TEST_CASE("the most specific one wins wherever it is in the order") {
  Scene scene;
  scene.add(http());
  scene.add(socks5());
  answer_greeting(scene.upstream).expects(kSocks5Request).sends(kSocks5Refused);
  scene.transport->fails(ECONNREFUSED).connects(scene.upstream);
  ask(scene);
  scene.start();
  CHECK_THAT(scene.answer().reason,
             Contains("failed: socks5://proxy.example:1080 says the target"));
}

TEST_CASE("a tunnel that is just coming up is waited for") {
  Scene scene;
  scene.config.hold = 5s;
  scene.add(socks5());
  scene.transport->fails(ECONNREFUSED).fails(ECONNREFUSED).connects(scene.upstream);
  serve_socks5(scene.upstream);
  ask(scene);
  scene.start();
  settle(scene.loop);
  CHECK(scene.client.received() == "");
  check_tunnel(scene, "socks5://proxy.example:1080");
  CHECK(scene.dials() == 3);
}

TEST_CASE("holding ends with the budget, and then the refusal is reported") {
  Scene scene;
  scene.config.hold = 5s;
  scene.config.connect_timeout = 600ms;
  scene.add(socks5());
  scene.transport->fails(ECONNREFUSED).fails(ECONNREFUSED).fails(ECONNREFUSED).fails(ECONNREFUSED);
  ask(scene);
  const auto begun = scene.loop.now();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains("refused the connection"));
  CHECK(scene.loop.now() - begun == 500ms);
  // At once, and each 250 ms: a fourth time would be beyond the budget.
  CHECK(scene.dials() == 3);
}

TEST_CASE("a refusal that is not the proxy's own is not waited for") {
  Scene scene;
  scene.config.hold = 5s;
  SECTION("the target's, through the tunnel") {
    scene.add(socks5());
    answer_greeting(scene.upstream).expects(kSocks5Request).sends(kSocks5Refused);
  }
  SECTION("the target's, directly") {
    scene.add(direct());
    scene.transport->fails(ECONNREFUSED);
  }
  ask(scene);
  scene.start();
  CHECK(scene.answer().status == 502);
  CHECK(scene.dials() == 1);
}

TEST_CASE("a client that leaves while we wait for the tunnel ends the waiting") {
  Scene scene;
  scene.config.hold = 5s;
  scene.add(socks5());
  scene.transport->fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 1);
  CHECK_FALSE(scene.loop.busy());
}

TEST_CASE("hedging: a second upstream that is faster wins") {
  Scene scene;
  scene.config.hedge = 20ms;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  bool connected = true;
  SECTION("while the first one is connecting") {
    connected = false;
    scene.transport->hangs();
  }
  SECTION("while the first one says nothing") { scene.transport->connects(scene.upstream); }
  SECTION("while the first one has greeted, and says no more") {
    answer_greeting(scene.upstream).expects(kSocks5Request);
    scene.transport->connects(scene.upstream);
  }
  scene.transport->connects(second);
  serve_http(second);
  ask(scene);
  scene.start();
  check_tunnel(scene, "http://proxy.example:1080");
  // Whether it is dead is still to be found out.
  CHECK(scene.upstream.open() == connected);
}

TEST_CASE("hedging: a first upstream that comes in after all wins, and the second serves nobody") {
  Scene scene;
  scene.config.hedge = 10ms;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  scene.transport->connects(scene.upstream).connects(second);
  ask(scene);
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return second.open(); }));
  serve_socks5(scene.upstream);
  check_tunnel(scene, "socks5://proxy.example:1080");
  second.sends("HTTP/1.1 200 OK\r\n\r\n");
  settle(scene.loop);
  CHECK(second.closed());
}

TEST_CASE("hedging: the success of one is the end, even if the client does not take it yet") {
  Scene scene;
  scene.config.hedge = 10ms;
  scene.add(socks5());
  scene.add(http());
  Peer second(scene.loop);
  scene.transport->connects(scene.upstream).connects(second);
  scene.client.takes(0);
  ask(scene);
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return second.open(); }));
  serve_socks5(scene.upstream);
  settle(scene.loop);
  // The slower one grants nothing.
  second.sends("HTTP/1.1 200 OK\r\n\r\n");
  settle(scene.loop);
  scene.client.takes_all();
  check_tunnel(scene, "socks5://proxy.example:1080");
}

TEST_CASE("a route is given up at any turn, and nothing of it is left") {
  const Pace pace = GENERATE(Pace{}, Pace{true, 3});
  for (int turns = 0; turns < 60; turns += 2) {
    CAPTURE(to_string(pace), turns);
    Scene scene({}, pace);
    scene.config.hedge = 1ms;
    scene.add(socks5());
    scene.add(http());
    Peer second(scene.loop, pace);
    scene.transport->later().connects(scene.upstream).connects(second);
    ask(scene);
    scene.start();
    for (int i = 0; i < turns; ++i) {
      scene.loop.turn(0);
      if (i == 10) scene.clock.advance(1ms);
    }
    scene.end_session();
    CHECK_FALSE(scene.upstream.open());
    CHECK_FALSE(second.open());
  }
}
