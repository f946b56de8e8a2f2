#include "options/broken_upstreams.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("who may refer to an upstream that has problems of its own") {
  BrokenUpstreams broken;
  CHECK(broken.empty());
  CHECK_FALSE(broken.may_be("office"));
  broken.add("office");
  CHECK_FALSE(broken.empty());
  CHECK(broken.may_be("office"));
  CHECK_FALSE(broken.may_be("socks5://h:1080"));
  broken.add("");
  // One without a name is referred to by its URL.
  CHECK(broken.may_be("socks5://h:1080"));
  CHECK_FALSE(broken.may_be("tunnel"));
}
