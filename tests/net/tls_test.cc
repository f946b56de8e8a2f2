// Handshakes: who is trusted, and what is said of who is not.
#include "net/tls.h"

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a wrong certificate is named for what is wrong with it") {
  Loop loop;
  Peer wire(loop);
  TlsSessionSlot slot;
  auto context = trusting_context();
  std::string name = "proxy.example";
  TlsAuthority::Files files = authority().issue("proxy.example");
  std::optional<TlsAuthority> stranger;
  std::string expected;
  SECTION("another name") {
    name = "other.example";
    expected = "hostname mismatch";
  }
  SECTION("an address instead of a name") {
    name = "192.0.2.1";
    expected = "IP address mismatch";
  }
  SECTION("an authority that nobody knows") {
    stranger.emplace();
    files = stranger->issue("proxy.example");
    expected = "unable to get local issuer certificate";
  }
  SECTION("an authority that is not in the system's store") {
    context = TlsClientContext::make({}).value();
    expected = "unable to get local issuer certificate";
  }
  SECTION("too old") {
    files = authority().issue("proxy.example", true);
    expected = "certificate has expired";
  }
  TlsServer server(wire, make_server_context(files));
  TlsClient client(loop, wire.stream(), *context, slot, name);
  REQUIRE(client.shake_hands());
  CHECK_FALSE(client.ready());
  CHECK(client.error().code == Errc::tls_certificate_error);
  CHECK(client.error().side == Side::upstream);
  CHECK(client.error().text == "has a TLS certificate that is not accepted: " + expected);
  CHECK(slot.get() == nullptr);
}

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
    wire.says("HTTP/1.1 400 Bad Request\r\n\r\n");
    expected = "failed the TLS handshake: wrong version number";
  }
  SECTION("an end at once") {
    wire.ends();
    expected = "closed the connection during the TLS handshake - does it speak TLS?";
  }
  SECTION("an end in the middle of a record") {
    wire.says("\x16\x03\x03").ends();
    expected = "closed the connection during the TLS handshake - does it speak TLS?";
  }
  SECTION("a reset") {
    wire.resets();
    expected = "broke off the TLS handshake: Connection reset by peer";
  }
  SECTION("an alert") {
    wire.says(std::string("\x15\x03\x03\x00\x02\x02\x28", 7));
    expected = "failed the TLS handshake: sslv3 alert handshake failure";
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
  line.wire.says(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  CHECK(line.client.read(1) == "(error)");
  line.client.result = Io::failed(EPROTO);
  CHECK_THAT(line.client.error().text, StartsWith("broke the TLS connection: "));
}

TEST_CASE("a server that knows old versions only is refused") {
  Loop loop;
  Peer wire(loop);
  TlsServer server(wire, proxy_context({.client_ca = {}, .only_tls11 = true}));
  TlsSessionSlot slot;
  const auto context = trusting_context();
  TlsClient client(loop, wire.stream(), *context, slot);
  REQUIRE(client.shake_hands());
  CHECK_FALSE(client.ready());
  CHECK(client.error().code == Errc::tls_protocol_error);
}

TEST_CASE("the second connection continues the session of the first") {
  Loop loop;
  TlsServerOptions options;
  options.only_tls12 = GENERATE(false, true);
  const auto server_side = proxy_context(options);
  const auto context = trusting_context();
  TlsSessionSlot slot;
  for (int connection = 0; connection < 3; ++connection) {
    CAPTURE(connection, options.only_tls12);
    Peer wire(loop);
    TlsServer server(wire, server_side);
    server.says("hello").hears("bye");
    TlsClient client(loop, wire.stream(), *context, slot);
    REQUIRE(client.shake_hands());
    REQUIRE(client.ready());
    // In TLS 1.3 the ticket comes with the first bytes.
    CHECK(client.read(5) == "hello");
    CHECK(client.write("bye"));
    CHECK(server.verdict() == "");
    CHECK(server.resumed() == (connection > 0));
  }
}

TEST_CASE("connections that begin side by side all continue the last session") {
  Loop loop;
  TlsServerOptions options;
  options.only_tls12 = GENERATE(false, true);
  const auto server_side = proxy_context(options);
  const auto context = trusting_context();
  TlsSessionSlot slot;
  struct Line {
    Line(Loop& on, const std::shared_ptr<ssl_ctx_st>& server_side, const TlsClientContext& context,
         TlsSessionSlot& slot)
        : wire(on), server(wire, server_side), client(on, wire.stream(), context, slot) {}
    Peer wire;
    TlsServer server;
    TlsClient client;
  };
  {
    Line first(loop, server_side, *context, slot);
    first.server.says("hello");
    REQUIRE(first.client.shake_hands());
    CHECK(first.client.read(5) == "hello");
  }
  std::list<Line> lines;
  for (int i = 0; i < 3; ++i) lines.emplace_back(loop, server_side, *context, slot);
  for (Line& line : lines) {
    CAPTURE(options.only_tls12);
    REQUIRE(line.client.shake_hands());
    CHECK(line.client.ready());
    settle(loop);
    CHECK(line.server.resumed());
  }
}

TEST_CASE("a server that has forgotten the session does without") {
  Loop loop;
  const auto context = trusting_context();
  TlsSessionSlot slot;
  for (int connection = 0; connection < 2; ++connection) {
    Peer wire(loop);
    TlsServer server(wire, proxy_context());  // a new context: new ticket keys
    server.says("hello");
    TlsClient client(loop, wire.stream(), *context, slot);
    REQUIRE(client.shake_hands());
    REQUIRE(client.ready());
    CHECK(client.read(5) == "hello");
    CHECK_FALSE(server.resumed());
  }
}

TEST_CASE("a client certificate is shown to a server that asks for one") {
  Loop loop;
  Peer wire(loop);
  const TlsAuthority::Files files = authority().issue("client.example");
  const auto context =
      TlsClientContext::make({.ca = authority().file(), .cert = files.cert, .key = files.key})
          .value();
  TlsServer server(wire, proxy_context({.client_ca = authority().file()}));
  server.says("hello");
  TlsSessionSlot slot;
  TlsClient client(loop, wire.stream(), *context, slot);
  REQUIRE(client.shake_hands());
  CHECK(client.read(5) == "hello");
  CHECK(server.has_client_certificate());
}

TEST_CASE("files that do not fit are named") {
  const TlsAuthority::Files one = authority().issue("one.example");
  const TlsAuthority::Files other = authority().issue("other.example");
  const auto text = [](const TlsClientContext::Options& options) {
    const auto made = TlsClientContext::make(options);
    return made ? std::string() : made.error().text;
  };
  CHECK_THAT(text({.ca = "/nonexistent/ca.pem", .cert = {}, .key = {}}),
             Contains("cannot read CA certificates /nonexistent/ca.pem"));
  CHECK_THAT(text({.ca = authority().file(), .cert = "/nonexistent", .key = one.key}),
             Contains("cannot read client certificate /nonexistent"));
  CHECK_THAT(text({.ca = authority().file(), .cert = one.cert, .key = "/nonexistent"}),
             Contains("cannot read private key /nonexistent"));
  CHECK_THAT(text({.ca = authority().file(), .cert = one.cert, .key = other.key}),
             Contains(other.key) && Contains("key"));
  CHECK(text({.ca = authority().file(), .cert = one.cert, .key = one.key}) == "");
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
