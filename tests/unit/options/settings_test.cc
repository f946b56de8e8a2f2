#include "options/settings.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("settings keep the values of a flag in their order") {
  Settings settings;
  CHECK(settings.empty());
  settings.add("route", {"a", "--route"});
  settings.add("route", {"b", "--route"});
  CHECK_FALSE(settings.empty());
  CHECK(settings.has("route"));
  CHECK_FALSE(settings.has("listen"));
  REQUIRE(settings.of("route").size() == 2);
  CHECK(settings.of("route")[1].value == "b");
  CHECK(settings.of("listen").empty());
}

TEST_CASE("the first place that has a flag has all its values") {
  Settings flags;
  flags.add("route", {"a", "--route"});
  Settings variables;
  variables.add("route", {"b", "CULVERT_ROUTE"});
  variables.add("hold", {"5s", "CULVERT_HOLD"});
  flags.add_missing(variables);
  REQUIRE(flags.of("route").size() == 1);
  CHECK(flags.of("route")[0].value == "a");
  CHECK(flags.of("hold").at(0).origin == "CULVERT_HOLD");
}
