// A CONNECT that succeeds.
#include "support/catch.h"
#include "support/cuts.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

std::string connect_with(const std::string& early) { return std::string(kConnect) + early; }

}  // namespace

TEST_CASE("a tunnel is established, carries bytes in both directions and ends each by itself") {
  const Pace client_pace = GENERATE(from_range(kPaces));
  const Pace upstream_pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(client_pace), to_string(upstream_pace));
  Scene scene(client_pace, upstream_pace);
  scene.transport->later(client_pace.deferred);
  scene.client.sends(connect_with("early ")).expects(std::string(kEstablished)).sends("late");
  scene.upstream.expects("early late").sends("answer").expects_end().sends(" after the end").ends();
  scene.client.expects("answer").ends().expects(" after the end").expects_end();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK(scene.client.received() == "");
  CHECK(scene.upstream.received() == "");
  CHECK(scene.transport->requested() == std::vector<std::string>{"gcr.io:443"});
  CHECK_FALSE(scene.client.closed_by_reset());
  CHECK_FALSE(scene.upstream.closed_by_reset());
  CHECK(scene.finished == 1);
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok stage=tunnel status=200 bytes_up=10 "
                                           "bytes_down=20 "));
}

TEST_CASE("a CONNECT for a host that a preset may lack is logged, whatever becomes of it") {
  Scene scene;
  const bool denied = GENERATE(false, true);
  const bool plain = GENERATE(false, true);
  const bool admitted = GENERATE(true, false);
  RoutingTable table;
  if (!denied) table.otherwise.upstreams = {0};
  table.otherwise.rule = "default";
  scene.router.emplace(std::move(table));
  PresetGaps gaps(*scene.router, {{{find_preset("quay")}, {1}, "tunnel"}});
  scene.preset_gaps = &gaps;
  if (!admitted) scene.peer = HostPort::parse("192.0.2.9:50001").value();
  gaps.note(scene.peer->ip, HostPort::parse("quay.io:443").value(), scene.loop.now());
  scene.client
      .sends(plain ? "GET http://x.example/?secret HTTP/1.1\r\nHost: x.example\r\n\r\n"
                   : "CONNECT x.example:443 HTTP/1.1\r\nHost: x.example:443\r\n\r\n")
      .ends();
  scene.upstream.ends();
  scene.start();
  REQUIRE(scene.run());
  const auto line = Contains(
      " info pulls from quay.io may need x.example:443 as well, which preset:quay does not name: "
      "--route x.example:443=tunnel\n");
  if (plain || !admitted) {
    CHECK_THAT(scene.log_text(), !Contains("pulls from"));
  } else {
    CHECK_THAT(scene.log_text(), line);
  }
}

TEST_CASE("a head may be split at any byte") {
  const std::string request = connect_with("early");
  for (std::size_t cut = 1; cut < request.size(); ++cut) {
    CAPTURE(cut);
    Scene scene;
    scene.client.sends(request.substr(0, cut));
    scene.start();
    settle(scene.loop, 2);
    scene.client.sends(request.substr(cut)).expects(std::string(kEstablished)).ends();
    scene.upstream.expects("early").expects_end().ends();
    REQUIRE(scene.run());
    CHECK(scene.client.verdict() == "");
    CHECK(scene.upstream.verdict() == "");
  }
}

TEST_CASE("a head may be cut at random") {
  const std::string request =
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\nUser-Agent: containerd/1.6.20\r\n"
      "Proxy-Connection: Keep-Alive\r\nX-Long: " +
      std::string(5000, 'x') + "\r\n\r\nearly";
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Scene scene;
    scene.start();
    for (const std::string_view piece : cut_at_random(request, seed)) {
      scene.client.sends(std::string(piece));
      settle(scene.loop, 2);
    }
    scene.client.expects(std::string(kEstablished)).ends();
    scene.upstream.expects("early").expects_end().ends();
    REQUIRE(scene.run());
    CHECK(scene.client.verdict() == "");
    CHECK(scene.upstream.verdict() == "");
  }
}

TEST_CASE("early data of any size reaches the upstream first, and whole") {
  // Around the size of the shared buffer in particular.
  const std::size_t buffer = 64 * 1024;
  const std::size_t size = GENERATE_COPY(
      values<std::size_t>({0, 1, 1000, buffer - kConnect.size() - 1, buffer - kConnect.size(),
                           buffer - kConnect.size() + 1, buffer, 3 * buffer}));
  const Pace pace = GENERATE(Pace{}, Pace{true, 20'000});
  CAPTURE(size, to_string(pace));
  const std::string early = numbered_bytes(size);
  Scene scene(pace, pace);
  scene.client.sends(connect_with(early)).expects(std::string(kEstablished)).sends("late").ends();
  scene.upstream.expects(early + "late").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("the client gets nothing until the upstream has connected") {
  Scene scene;
  scene.add(socks5());
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  CHECK(scene.upstream.received() == "\x05\x01" + std::string(1, '\0'));
  CHECK(scene.client.received() == "");
  scene.upstream.sends(kSocks5Welcome);
  settle(scene.loop);
  CHECK(scene.client.received() == "");
  scene.upstream.sends(std::string("\x05\x00\x00\x01\x00\x00\x00\x00\x00", 9));
  settle(scene.loop);
  CHECK(scene.client.received() == "");
  scene.upstream.sends(std::string("\x00", 1));
  settle(scene.loop);
  CHECK(scene.client.received() == kEstablished);
}

TEST_CASE("a target is dialed as it was named") {
  const auto [authority, dialed] = GENERATE(table<std::string, std::string>({
      {"gcr.io:443", "gcr.io:443"},
      {"GCR.IO:443", "gcr.io:443"},
      {"192.0.2.1:8443", "192.0.2.1:8443"},
      {"[2001:DB8::1]:443", "[2001:db8::1]:443"},
      {"[2001:db8:0:0:0:0:0:1]:1", "[2001:db8::1]:1"},
      {"xn--bcher-kva.example:65535", "xn--bcher-kva.example:65535"},
  }));
  Scene scene;
  scene.client.sends("CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n")
      .expects(std::string(kEstablished))
      .ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.transport->requested() == std::vector<std::string>{dialed});
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" method=CONNECT target=" + dialed + " "));
}

TEST_CASE("a CONNECT needs no Host, nor the target's") {
  Scene scene;
  const std::string version = GENERATE("HTTP/1.0", "HTTP/1.1");
  const std::string host =
      GENERATE("", "Host: 127.0.0.1:3128\r\n", "Host: gcr.io\r\n", "Host:\r\n");
  scene.client.sends("CONNECT gcr.io:443 " + version + "\r\n" + host + "\r\n")
      .expects(std::string(kEstablished))
      .ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
}

TEST_CASE("the bytes of an upstream that speaks first follow the 200") {
  const Pace pace = GENERATE(from_range(kPaces));
  Scene scene(pace, pace);
  scene.upstream.sends("220 ready");
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished) + "220 ready").ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
}

TEST_CASE("a 200 that the client takes in pieces arrives whole, and before all else") {
  Scene scene;
  scene.client.takes(5);
  scene.client.sends(connect_with("early"));
  scene.upstream.sends("first words").expects("early");
  scene.start();
  settle(scene.loop);
  CHECK(scene.client.received() == kEstablished.substr(0, 5));
  CHECK(scene.upstream.unread() == 11);  // not even read
  scene.client.takes(1);
  settle(scene.loop);
  CHECK(scene.client.received() == kEstablished.substr(0, 6));
  scene.client.takes_all();
  scene.client.expects(std::string(kEstablished) + "first words").ends();
  scene.upstream.expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("a client of a unix socket has no address, and is let in") {
  Scene scene;
  scene.peer = std::nullopt;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).ends();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" client=unix "));
}
