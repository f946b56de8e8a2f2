#include "net/sha256.h"

#include <cstddef>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("SHA-256 is that of the standard's examples") {
  const std::string abc = sha256("abc");
  REQUIRE(abc.size() == 32);
  CHECK(abc.substr(0, 4) == "\xba\x78\x16\xbf");
  CHECK(abc.substr(28) == std::string("\xf2\x00\x15\xad", 4));
  CHECK(sha256("").substr(0, 4) == "\xe3\xb0\xc4\x42");
}
