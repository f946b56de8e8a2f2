// Handshakes of a TlsStream, and the texts of failures.
#include <memory>
#include <string>

#include <openssl/crypto.h>

#include "net/tls_stream.h"
#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::StartsWith;

TEST_CASE("a certificate may be for an address, and no name is sent then") {
  Loop loop;
  Peer wire(loop);
  const std::string address = GENERATE("192.0.2.1", "2001:db8::1");
  TlsServer server(wire, make_server_context(authority().issue(address)));
  TlsSessionSlot slot;
  const auto context = trusting_context();
  TlsClient client(loop, wire.stream(), *context, slot, address);
  REQUIRE(client.shake_hands());
  CHECK(client.ready());
  CHECK(server.sni() == "");
}

TEST_CASE("a peer that does not speak TLS, or not for long, is named for it") {
  Loop loop;
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  Peer wire(loop, pace);
  std::string expected;
  SECTION("HTTP") {
    wire.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    expected = "failed the TLS handshake: wrong version number";
  }
  SECTION("an end at once") {
    wire.ends();
    expected = "closed the connection during the TLS handshake - does it speak TLS?";
  }
  SECTION("an end in the middle of a record") {
    wire.sends("\x16\x03\x03").ends();
    expected = "closed the connection during the TLS handshake - does it speak TLS?";
  }
  SECTION("a reset") {
    wire.resets();
    expected = "broke off the TLS handshake: Connection reset by peer";
  }
  SECTION("an alert") {
    wire.sends(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));
    const char* const first = OpenSSL_version_num() < 0x30200000UL ? "sslv3" : "ssl/tls";
    expected = std::string("failed the TLS handshake: ") + first + " alert handshake failure";
  }
  TlsSessionSlot slot;
  const auto context = trusting_context();
  TlsClient client(loop, wire.stream(), *context, slot);
  REQUIRE(client.shake_hands());
  CHECK_FALSE(client.ready());
  CHECK(client.error().code == Errc::tls_protocol_error);
  CHECK(client.error().text == expected);
}

TEST_CASE("what breaks behind the handshake is not called one that failed") {
  TlsLine line;
  REQUIRE(line.client.shake_hands());
  line.wire.sends(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  CHECK(line.client.read(1) == "(error)");
  line.client.result = Io::failed(EPROTO);
  CHECK_THAT(line.client.error().text, StartsWith("broke the TLS connection: "));
}

TEST_CASE("a TLS stream may be destroyed at every step of its handshake") {
  const auto server_side = proxy_context();
  const auto context = trusting_context();
  TlsSessionSlot slot;
  for (int turns = 0; turns < 60; turns += 3) {
    Loop loop;
    Peer wire(loop, Pace{true, 100});
    TlsServer server(wire, server_side);
    TlsClient client(loop, wire.stream(), *context, slot);
    for (int i = 0; i < turns; ++i) loop.turn(0);
    client.stream.reset();
    CHECK(wire.closed());
    settle(loop, 3);
    CHECK_FALSE(loop.busy());
  }
}
