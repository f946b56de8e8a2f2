#include "net/own_end.h"

#include "support/catch.h"
#include "support/sockets.h"

using namespace culvert;
using namespace culvert::test;

TEST_CASE("our end of a connection") {
  std::uint16_t port = 0;
  const Fd listening = listen_on_loopback(port);
  const Fd client = connect_to_loopback(port);
  const auto end = own_end(client.get());
  REQUIRE(end);
  CHECK(end->ip.to_string() == "127.0.0.1");
  CHECK(end->port != port);
  CHECK(own_end(listening.get()) == SocketEnd{IpAddress::parse("127.0.0.1").value(), port});
}

TEST_CASE("what is no TCP socket has no end") {
  CHECK_FALSE(own_end(unix_pair().near.get()));
  CHECK_FALSE(own_end(-1));
}
