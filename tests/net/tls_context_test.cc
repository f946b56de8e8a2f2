// Which servers are trusted, and the errors for others.
#include "net/tls_context.h"

#include <memory>
#include <optional>
#include <string>

#include "support/catch.h"
#include "support/tls_client.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

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

TEST_CASE("a client certificate is sent to a server that requests one") {
  Loop loop;
  Peer wire(loop);
  const TlsAuthority::Files files = authority().issue("client.example");
  const auto context =
      TlsClientContext::make({.ca = authority().file(), .cert = files.cert, .key = files.key})
          .value();
  TlsServer server(wire, proxy_context({.client_ca = authority().file()}));
  server.sends("hello");
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
