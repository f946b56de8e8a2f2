#include "net/own_address.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("an address of this machine is recognised without listing its interfaces") {
  const auto is_own = [](const char* text) { return is_own_address(*IpAddress::parse(text)); };
  CHECK(is_own("127.0.0.1"));
  CHECK(is_own("127.9.9.9"));
  CHECK_FALSE(is_own("192.0.2.1"));  // RFC 5737: nobody's
  CHECK_FALSE(is_own("2001:db8::1"));
}
