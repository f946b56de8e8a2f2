#include "base/account.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("users and groups by their names and numbers") {
  CHECK(user_number("root") == 0);
  CHECK(group_number("root") == 0);
  CHECK(user_number("4242") == 4242);
  CHECK(group_number("4242") == 4242);
  CHECK_FALSE(user_number("no-such-user"));
  CHECK_FALSE(group_number("no-such-group"));
  CHECK_FALSE(user_number(""));
  CHECK_FALSE(user_number("-1"));
  CHECK_FALSE(group_number("4294967295"));
  CHECK_FALSE(group_number("4294967296"));
}
