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

TEST_CASE("white space around a value never counts") {
  Settings settings;
  settings.add("hold", {" \t5s\r\n", "CULVERT_HOLD"});
  CHECK(settings.of("hold").at(0).value == "5s");
}

TEST_CASE("values are separated by white space, but not beside a comma or an equals sign") {
  struct Row {
    const char* text;
    std::string_view breaks;
    std::vector<std::string> values;
  };
  const Row rows[] = {
      {"a b\tc\nd", kAnySpace, {"a", "b", "c", "d"}},
      {"a, b ,c\n,\n d", kAnySpace, {"a, b ,c\n,\n d"}},
      {"a,\r\nb\r\nc\r\n", kAnySpace, {"a,\r\nb", "c"}},
      {"gcr.io, k8s.gcr.io = x, y z=direct", kAnySpace, {"gcr.io, k8s.gcr.io = x, y", "z=direct"}},
      {"a,", kAnySpace, {"a,"}},
      {" , ", kAnySpace, {","}},
      {" \n", kAnySpace, {}},
      {"", kAnySpace, {}},
      // Where a blank may be part of a value
      {" unix:/a b \n c\r\n\r\nd, \n e", kLineBreak, {"unix:/a b", "c", "d, \n e"}},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    Settings settings;
    settings.add_each("route", row.text, "here", row.breaks);
    std::vector<std::string> values;
    for (const Given& given : settings.of("route")) {
      CHECK(given.origin == "here");
      values.push_back(given.value);
    }
    CHECK(values == row.values);
  }
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
