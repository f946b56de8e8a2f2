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
