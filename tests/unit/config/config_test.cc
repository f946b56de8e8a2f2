#include "config/config.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a listener as text") {
  ListenConfig listen;
  listen.address = *HostPort::parse("[::1]:3128");
  CHECK(listen.to_string() == "http://[::1]:3128");
  listen.kind = ListenConfig::Kind::unix_socket;
  listen.path = "/run/culvert.sock";
  CHECK(listen.to_string() == "unix:/run/culvert.sock");
}
