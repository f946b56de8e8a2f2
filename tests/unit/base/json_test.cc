#include "base/json.h"

#include <string>

#include "support/catch.h"

namespace culvert {
namespace {

TEST_CASE("a JSON object keeps the order of its members") {
  const auto parsed = Json::parse(R"({"z": 1, "a": {"y": [true, null]}, "m": "t"})");
  REQUIRE(parsed);
  CHECK(parsed->names() == std::vector<std::string>{"z", "a", "m"});
  CHECK(parsed->dump() == R"({"z": 1, "a": {"y": [true, null]}, "m": "t"})");
  CHECK(parsed->at("z").integer() == 1);
  CHECK(parsed->at("m").text() == "t");
  CHECK(parsed->at("a").at("y").elements().size() == 2);
}

TEST_CASE("what is not there is null, and no kind fits it") {
  const Json null;
  CHECK_FALSE(null.at("a").at("b").text());
  CHECK_FALSE(null.has("a"));
  CHECK(null.names().empty());
  CHECK(null.elements().empty());
  CHECK_FALSE(null.integer());
  // Numbers of another size than ours.
  const auto numbers = Json::parse("[1e300, -1e300, 1e18, -1.9, 9223372036854775808.0]");
  REQUIRE(numbers);
  const auto each = numbers->elements();
  CHECK_FALSE(each[0].integer());
  CHECK_FALSE(each[1].integer());
  CHECK(each[2].integer() == 1'000'000'000'000'000'000);
  CHECK(each[3].integer() == -1);
  CHECK_FALSE(each[4].integer());
  CHECK(null.dump() == "null");
}

TEST_CASE("bad JSON is reported with its place") {
  for (const std::string text : {"", "{", "{\"a\":1,}", "{\"a\":1} x", "// c\n{}"}) {
    INFO(text);
    const auto parsed = Json::parse(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().text.starts_with("line "));
  }
  CHECK_FALSE(Json::parse(R"({"a": 1, "a": 2})"));
  CHECK_FALSE(Json::parse("\"\xff\""));
  CHECK(Json::parse("{\"a\": hush}").error().text == "line 1, column 10: invalid token");
}

TEST_CASE("JSON is written as it is meant") {
  Json object = Json::object();
  object.set("text", "a\"b\n").set("ok", true).set("ms", 1.5).set("n", std::int64_t{7});
  object.set("list", Json::array().append("x").append(Json()));
  CHECK(object.dump() ==
        R"({"text": "a\"b\n", "ok": true, "ms": 1.5, "n": 7, "list": ["x", null]})");
  // All digits that a time or a rate has.
  CHECK(Json::parse("1234567.345")->dump() == "1234567.345");
  CHECK(Json(0.1).dump() == "0.1");
  CHECK(Json("a\xff").dump() == R"("a?")");
  CHECK(Json::object().set("a", "b").dump(2) == "{\n  \"a\": \"b\"\n}");
}

TEST_CASE("a member that is set again is replaced in its place") {
  Json object = Json::object();
  object.set("a", "1").set("b", "2").set("a", "3");
  CHECK(object.dump() == R"({"a": "3", "b": "2"})");
}

TEST_CASE("a copy of a JSON value outlives what it came from") {
  Json member;
  {
    const auto parsed = Json::parse(R"({"a": {"b": "c"}})");
    REQUIRE(parsed);
    member = parsed->at("a");
  }
  CHECK(member.at("b").text() == "c");
}

TEST_CASE("the version of jansson") { CHECK(jansson_version().starts_with("2.")); }

}  // namespace
}  // namespace culvert
