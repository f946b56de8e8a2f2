#include "codec/socks_fields.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE(
    "an address of SOCKS5 takes as many bytes as its type says, or the first byte of a name") {
  CHECK(socks_address_bytes(kSocksIpv4, '\xff') == 4u);
  CHECK(socks_address_bytes(kSocksIpv6, '\0') == 16u);
  CHECK(socks_address_bytes(kSocksName, '\0') == 1u);
  CHECK(socks_address_bytes(kSocksName, '\x0b') == 12u);
  CHECK(socks_address_bytes(kSocksName, '\xff') == 256u);
}

TEST_CASE("an address of SOCKS5 of an unknown type has no size") {
  for (const char type : {'\0', '\2', '\5', '\xff'}) CHECK_FALSE(socks_address_bytes(type, '\4'));
}
