#include "check/given_check.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a check is given again with all that it was given") {
  const GivenCheck given{"--upstream socks5://p:1 --json", "--timeout 9s", "nginx redis"};
  CHECK(given.command("gcr.io/x") ==
        "culvert check --timeout 9s --upstream socks5://p:1 --json gcr.io/x");
  CHECK(given.with_timeout("18s") ==
        "culvert check --timeout 18s --upstream socks5://p:1 --json nginx redis");
  CHECK(GivenCheck().command("") == "culvert check");
}
