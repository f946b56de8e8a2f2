// Sessions that go on in the next connection.
#include "net/tls_session_slot.h"

#include <list>
#include <memory>

#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;

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
    server.sends("hello").expects("bye");
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
    first.server.sends("hello");
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

TEST_CASE("a server that has dropped the session does a full handshake") {
  Loop loop;
  const auto context = trusting_context();
  TlsSessionSlot slot;
  for (int connection = 0; connection < 2; ++connection) {
    Peer wire(loop);
    TlsServer server(wire, proxy_context());  // a new context: new ticket keys
    server.sends("hello");
    TlsClient client(loop, wire.stream(), *context, slot);
    REQUIRE(client.shake_hands());
    REQUIRE(client.ready());
    CHECK(client.read(5) == "hello");
    CHECK_FALSE(server.resumed());
  }
}
