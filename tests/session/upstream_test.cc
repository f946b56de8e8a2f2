// Dialogues with each kind of upstream.
#include <openssl/ssl.h>

#include "support/catch.h"
#include "support/cuts.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/tls_client.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

/// The tunnel's own dialogue, the same through whatever upstream. The last message of the
/// upstream's handshake is `reply`, and the target's first bytes are sent with it.
template <typename Far>
void carry(Scene& scene, Far& far, const std::string& reply) {
  scene.client.sends(std::string(kConnect) + "early").expects(std::string(kEstablished) + "glued");
  far.sends(reply + "glued").expects("early").sends("down").expects("up").expects_end().ends();
  scene.client.expects("down").sends("up").ends().expects_end();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(far.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok "));
}

Upstream& add_https(Scene& scene) {
  Upstream& upstream = scene.add(https());
  upstream.tls = trusting_context();
  return upstream;
}

}  // namespace

TEST_CASE("through socks5 without a password") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Scene scene(pace, pace);
  scene.add(socks5());
  answer_greeting(scene.upstream).expects(kSocks5Request);
  carry(scene, scene.upstream, kSocks5Granted);
  CHECK(scene.transport->requested() == std::vector<std::string>{"proxy.example:1080"});
}

TEST_CASE("through socks5 with user and password, each message in one write") {
  const Pace pace = GENERATE(Pace{}, Pace{true, Pace::kAll});
  Scene scene(pace, pace);
  scene.add(socks5_as("alice", "hush"));
  scene.upstream.expects("\x05\x01\x02"s).sends("\x05\x02"s);
  scene.upstream.expects("\x01\x05"s + "alice\x04hush").sends("\x01\x00"s).expects(kSocks5Request);
  carry(scene, scene.upstream, kSocks5Granted);
  const auto& writes = scene.upstream.writes();
  REQUIRE(writes.size() >= 3);
  CHECK(writes[0] == "\x05\x01\x02"s);
  CHECK(writes[1] == "\x01\x05"s + "alice\x04hush");
  CHECK(writes[2] == kSocks5Request);
  CHECK_THAT(scene.access_text() + scene.log_text(), !Contains("hush"));
}

TEST_CASE("through socks5, whose replies come cut at random") {
  for (unsigned seed = 1; seed <= 15; ++seed) {
    CAPTURE(seed);
    Scene scene;
    scene.add(socks5());
    scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished) + "glued").ends();
    scene.start();
    // A reply with a name as the bound address is the longest.
    const std::string reply = "\x05\x00\x00\x03\x0b"s + "bound.local" + "\x00\x50"s + "glued";
    answer_greeting(scene.upstream).expects(kSocks5Request);
    for (const std::string_view piece : cut_at_random(reply, seed)) {
      settle(scene.loop, 5);
      scene.upstream.sends(std::string(piece));
    }
    scene.upstream.expects_end().ends();
    REQUIRE(scene.run());
    CHECK(scene.client.verdict() == "");
    CHECK(scene.upstream.verdict() == "");
  }
}

TEST_CASE("through socks5 to an address") {
  Scene scene;
  scene.add(socks5());
  scene.client.sends("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  answer_greeting(scene.upstream);
  scene.upstream
      .expects("\x05\x01\x00\x04\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01\x01\xbb")
      .sends(kSocks5Granted)
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("through socks4a") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Scene scene(pace, pace);
  scene.add(socks4a());
  scene.upstream.expects("\x04\x01\x01\xbb\x00\x00\x00\x01\x00gcr.io\x00"s);
  carry(scene, scene.upstream, "\x00\x5a\x00\x00\x00\x00\x00\x00"s);
}

TEST_CASE("socks4a cannot express an IPv6 address, and nothing is dialed") {
  Scene scene;
  scene.add(socks4a());
  scene.client.sends("CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: x\r\n\r\n").ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains("IPv6") && Contains("socks4a://proxy.example:1080"));
  CHECK(scene.dials() == 0);
}

TEST_CASE("through an HTTP proxy") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Scene scene(pace, pace);
  scene.add(http());
  scene.upstream.expects("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n");
  carry(scene, scene.upstream, "HTTP/1.1 200 OK\r\nX-Cache: MISS\r\n\r\n");
}

TEST_CASE("through an HTTP proxy with credentials, which nobody else sees") {
  Scene scene;
  scene.add(http_as("alice", "hush"));
  scene.upstream.expects(
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n"
      "Proxy-Authorization: Basic YWxpY2U6aHVzaA==\r\n\r\n");
  carry(scene, scene.upstream, "HTTP/1.1 200 OK\r\n\r\n");
  CHECK_THAT(scene.access_text() + scene.log_text(), !Contains("hush") && !Contains("YWxp"));
}

TEST_CASE("what an HTTP proxy sends before its final response never reaches the client") {
  Scene scene;
  scene.add(http());
  scene.upstream.expects(std::string(kConnect))
      .sends("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
  carry(scene, scene.upstream, "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_CASE("through an HTTPS proxy") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Scene scene(pace, pace);
  add_https(scene);
  TlsServer proxy(scene.upstream, proxy_context());
  proxy.expects("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n");
  carry(scene, proxy, "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(proxy.sni() == "proxy.example");
}

TEST_CASE("through an HTTPS proxy whose certificate has another name, with ?sni=") {
  Scene scene;
  Upstream& upstream = add_https(scene);
  upstream.config.address = HostPort::parse("192.0.2.1:443").value();
  upstream.config.sni = "proxy.example";
  TlsServer proxy(scene.upstream, proxy_context());
  proxy.expects(std::string(kConnect));
  carry(scene, proxy, "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(scene.transport->requested() == std::vector<std::string>{"192.0.2.1:443"});
}

TEST_CASE("a second connection to an HTTPS proxy continues the first one's TLS session") {
  const auto server_side = proxy_context();
  TlsSessionSlot kept;
  for (int connection = 0; connection < 2; ++connection) {
    Scene scene;
    Upstream& upstream = add_https(scene);
    if (connection > 0) {
      SSL_SESSION_up_ref(kept.get());
      upstream.tls_session->put(kept.get());
    }
    TlsServer proxy(scene.upstream, server_side);
    proxy.expects(std::string(kConnect));
    carry(scene, proxy, "HTTP/1.1 200 OK\r\n\r\n");
    CHECK(proxy.resumed() == (connection > 0));
    REQUIRE(upstream.tls_session->get() != nullptr);
    SSL_SESSION_up_ref(upstream.tls_session->get());
    kept.put(upstream.tls_session->get());
  }
}

TEST_CASE("bulk data in both directions through an HTTPS proxy") {
  Scene scene;
  add_https(scene);
  const std::string up = numbered_bytes(500'000);
  const std::string down = numbered_bytes(500'000, "-");
  TlsServer proxy(scene.upstream, proxy_context());
  proxy.expects(std::string(kConnect))
      .sends("HTTP/1.1 200 OK\r\n\r\n" + down)
      .expects(up)
      .expects_end();
  proxy.ends();
  scene.client.sends(std::string(kConnect) + up).ends();
  scene.client.expects(std::string(kEstablished) + down).expects_end();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(proxy.verdict() == "");
}
