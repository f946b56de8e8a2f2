// Clients behind a load balancer: what it may say of them, who is believed, and endings at each
// byte of a header.
#include "session/balanced_client.h"

#include <string>

#include "codec/proxy_protocol.h"
#include "support/catch.h"
#include "support/cuts.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const SocketEnd kClient{IpAddress::parse("192.0.2.1").value(), 40001};
const SocketEnd kReached{IpAddress::parse("198.51.100.7").value(), 3128};
const ConnectionEnds kEnds{kClient, kReached};
const std::string kLine = make_proxy_header(ProxyVersion::v1, &kEnds);
const std::string kBinary = make_proxy_header(ProxyVersion::v2, &kEnds);

/// A listener with ?proxy-protocol=on, a listed load balancer that connects to it, and its client
/// admitted.
struct Balanced : Scene {
  explicit Balanced(Pace client_pace = {}) : Scene(client_pace) {
    listen.proxy_protocol = true;
    config.load_balancers = {Cidr::parse("10.0.0.0/8").value()};
    config.allow_clients = {Cidr::parse("192.0.2.0/24").value()};
    peer = HostPort::parse("10.0.0.1:50001").value();
  }
  /// Nothing is dialed, and the client gets no byte but the end.
  void ends_without_a_word() {
    client.expects_end().ends();
    start();
    REQUIRE(run());
    CHECK(client.verdict() == "");
    CHECK(client.received().empty());
    CHECK(dials() == 0);
  }
};

}  // namespace

TEST_CASE("a header names the client, and is followed by what that speaks") {
  const Pace pace = GENERATE(from_range(kPaces));
  const std::string header = GENERATE(kLine, kBinary);
  Balanced scene(pace);
  SECTION("HTTP") {
    scene.client.sends(header + std::string(kConnect)).expects(std::string(kEstablished));
  }
  SECTION("SOCKS5") {
    scene.client.sends(header + kSocks5Greeting)
        .expects(kSocks5Welcome)
        .sends(kSocks5Request)
        .expects(kSocks5Granted);
  }
  scene.client.sends("question").expects("answer").ends().expects_end();
  scene.upstream.expects("question").sends("answer").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.transport->requested() == std::vector<std::string>{"gcr.io:443"});
  CHECK_THAT(scene.access_text(),
             Contains(" client=192.0.2.1:40001 balancer=10.0.0.1:50001 method="));
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok stage=tunnel status=200 "));
}

TEST_CASE("the client that is named is the one that has to be admitted") {
  Balanced scene;
  scene.config.allow_clients = {Cidr::parse("10.0.0.0/8").value()};
  scene.client.sends(kLine + std::string(kConnect)).expects_end().ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("client 192.0.2.1 may not use this proxy"));
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains(" client=192.0.2.1:40001 balancer=10.0.0.1:50001 "));
}

TEST_CASE("a client behind a balancer of this host is elsewhere, and kept from loopback") {
  Balanced scene;
  scene.peer = HostPort::parse("127.0.0.1:50001").value();
  scene.config.load_balancers.clear();
  scene.client.sends(kLine + "CONNECT 127.0.0.1:6379 HTTP/1.1\r\nHost: 127.0.0.1:6379\r\n\r\n")
      .expects_end()
      .ends();
  scene.start();
  CHECK(scene.answer().status == 403);
  CHECK(scene.dials() == 0);
}

TEST_CASE("a balancer that does not say for whom it connects is the client itself") {
  const std::string header =
      GENERATE("PROXY UNKNOWN\r\n"s, make_proxy_header(ProxyVersion::v2, nullptr));
  Balanced scene;
  const bool admitted = GENERATE(true, false);
  if (admitted) scene.config.allow_clients = {Cidr::parse("10.0.0.1").value()};
  scene.client.sends(header + std::string(kConnect));
  if (admitted) scene.client.expects(std::string(kEstablished)).ends();
  scene.client.expects_end().ends();
  if (admitted) scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" client=10.0.0.1:50001 method="));
  CHECK_THAT(scene.access_text(), Contains(admitted ? " status=200 " : " status=403 "));
}

TEST_CASE("loopback behind a balancer elsewhere is not this host") {
  Balanced scene;
  const ConnectionEnds ends{{{IpAddress::parse("127.0.0.1").value(), 40001}}, kReached};
  scene.client.sends(make_proxy_header(ProxyVersion::v2, &ends) + std::string(kConnect))
      .expects_end()
      .ends();
  scene.start();
  CHECK(scene.answer().status == 403);
  CHECK_THAT(scene.access_text(), Contains(" client=10.0.0.1:50001 "));
}

TEST_CASE("who has connected over a unix socket counts as a load balancer") {
  Balanced scene;
  scene.peer.reset();
  scene.client.sends(kBinary + std::string(kConnect))
      .expects(std::string(kEstablished))
      .ends()
      .expects_end();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" client=192.0.2.1:40001 balancer=unix method="));
}

TEST_CASE("a header from elsewhere is not believed") {
  Balanced scene;
  scene.peer = HostPort::parse("192.0.2.66:50001").value();
  scene.client.sends(GENERATE(kLine, kBinary) + std::string(kConnect));
  scene.ends_without_a_word();
  CHECK_THAT(scene.log_text(), Contains("this port is for load balancers, and 192.0.2.66 is none "
                                        "of them - start culvert with --load-balancer 192.0.2.66"));
  CHECK_THAT(scene.access_text(), Contains(" client=192.0.2.66:50001 method=- target=- upstream=- "
                                           "outcome=http_request_denied stage=head status=0 "));
}

TEST_CASE("who is no load balancer and speaks HTTP is told so") {
  Balanced scene;
  scene.peer = HostPort::parse("192.0.2.66:50001").value();
  scene.client.sends(std::string(kConnect)).expects_end().ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK_THAT(answer.reason, Contains("this port is for load balancers"));
}

TEST_CASE("a load balancer that sends no header is told so, in HTTP") {
  Balanced scene;
  scene.client.sends(std::string(kConnect)).expects_end().ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 400);
  CHECK_THAT(answer.reason, Contains("no PROXY protocol header came first - switch it on in the "
                                     "load balancer (haproxy's send-proxy)"));
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.log_text(), Contains("no PROXY protocol header came first"));
}

TEST_CASE("what is neither a header nor HTTP is closed without a word") {
  const std::string bytes = GENERATE("\5\1\0"s, "\x16\3\1\2\0\1"s, "PROXY TCP4 1.1.1.1\r\n"s,
                                     "\r\n\r\n\0\r\nQUIT\n\x21\x12\0\0"s, "\r\n\r\n\r\n"s);
  Balanced scene;
  scene.client.sends(bytes);
  scene.ends_without_a_word();
  CHECK_THAT(scene.access_text(), Contains("outcome=http_request_error stage=head status=0 "));
}

TEST_CASE("an end within the header, at each byte") {
  const std::string header = GENERATE(kLine, kBinary);
  const std::size_t size = GENERATE_COPY(range(std::size_t{1}, header.size()));
  const bool reset = GENERATE(false, true);
  Balanced scene;
  scene.client.sends(header.substr(0, size));
  if (reset) {
    scene.client.resets();
  } else {
    scene.client.ends();
  }
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains("outcome=canceled stage=head status=0 "));
}

TEST_CASE("health checks of a load balancer leave no line") {
  Balanced scene;
  const std::string sent =
      GENERATE(""s, make_proxy_header(ProxyVersion::v2, nullptr), "PROXY UNKNOWN\r\n"s, kBinary);
  if (!sent.empty()) scene.client.sends(sent);
  scene.client.ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.access_text().empty());
  CHECK(scene.log_text().empty());
}

TEST_CASE("a header has the time of a request's head, and the request has it again") {
  Balanced scene;
  const std::string sent = GENERATE(""s, kLine.substr(0, 20), kLine);
  if (!sent.empty()) scene.client.sends(sent);
  scene.start();
  settle(scene.loop, 20);
  scene.clock.advance(scene.config.header_timeout + 1ms);
  scene.client.expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.client.received().empty());
  const bool begun = !sent.empty() && sent != kLine;
  CHECK((scene.access_text().find("outcome=http_request_timeout") != std::string::npos) == begun);
}

TEST_CASE("a drain serves nobody behind a load balancer, and says so") {
  Balanced scene;
  SECTION("that has connected before") {
    scene.client.sends(kLine + std::string(kConnect));
    scene.client.expects_end().ends();
    scene.start(Admission::draining);
    CHECK(scene.answer().status == 503);
  }
  SECTION("whose header comes alone") {
    scene.client.sends(kLine);
    scene.start(Admission::draining);
    settle(scene.loop, 20);
    scene.clock.advance(1s + 1ms);  // as long as a request is awaited then
    scene.client.expects_end().ends();
    REQUIRE(scene.run());
    CHECK(scene.access_text().empty());
  }
  SECTION("whose header never comes") {
    scene.start();
    settle(scene.loop, 20);
    scene.session->begin_drain();
    scene.clock.advance(1s + 1ms);
    scene.client.expects_end().ends();
    REQUIRE(scene.run());
    CHECK(scene.access_text().empty());
  }
  CHECK(scene.dials() == 0);
}

TEST_CASE("an abort before or within the header ends at once") {
  Balanced scene;
  if (GENERATE(false, true)) scene.client.sends(kLine.substr(0, 10));
  scene.start();
  settle(scene.loop, 20);
  scene.session->abort("a second signal came");
  scene.client.expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.client.received().empty());
}

TEST_CASE("a client that gives way leaves a line if its header had begun") {
  const bool begun = GENERATE(false, true);
  Balanced scene;
  if (begun) scene.client.sends(kLine.substr(0, 10));
  scene.start();
  settle(scene.loop, 20);
  scene.session->give_way();
  scene.client.expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.client.received().empty());
  CHECK(scene.access_text().empty() != begun);
  if (begun) {
    CHECK_THAT(scene.access_text(),
               Contains("outcome=aborted") && Contains("descriptors are short"));
  }
}

TEST_CASE("of a client that is named, no more connections are kept than of any other") {
  Balanced scene;
  scene.config.max_connections_per_client = 2;
  std::vector<UsageTable::Place> others;
  const std::size_t count = 2 + UsageTable::kMostRefused - GENERATE(0U, 1U);
  const bool worth_an_answer = count < 2 + UsageTable::kMostRefused;
  for (std::size_t i = 0; i < count; ++i) {
    others.push_back(scene.limits.usage.enter(UsageKey::client(kClient.ip), 2, scene.loop.now()));
  }
  scene.client.sends(kLine + std::string(kConnect)).ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
  CHECK(scene.client.received().starts_with("HTTP/1.1 429 ") == worth_an_answer);
  if (!worth_an_answer) CHECK(scene.client.received().empty());
}
