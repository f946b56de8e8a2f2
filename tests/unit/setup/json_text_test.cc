#include "setup/json_text.h"

#include "support/catch.h"

namespace culvert {
namespace {

TEST_CASE("the members of a JSON object are found in its text") {
  const std::string_view text =
      R"( {"a" : "x\"}" ,"b":[{"c": "]"}, 1],"\u0063": -1.5e3, "d":true
         ,"e" : {"f": {}}} )";
  const JsonObject object = read_json_object(text, 1);
  std::vector<std::string_view> values;
  for (const auto& member : object.members) values.push_back(json_value(text, member));
  CHECK(values == std::vector<std::string_view>{R"("x\"}")", R"([{"c": "]"}, 1])", "-1.5e3", "true",
                                                R"({"f": {}})"});
  CHECK(find_json_member(text, object, "c") == 2);
  CHECK(find_json_member(text, object, "f") == 5);
  CHECK(line_of(text, object.members[3].key) == 1);
  CHECK(line_of(text, object.members[4].key) == 2);
}

TEST_CASE("an empty JSON object has no members") {
  CHECK(read_json_object("{}", 0).members.empty());
  CHECK(read_json_object("{ \r\n\t}", 0).members.empty());
}

TEST_CASE("text that ends too early is not read past its end") {
  const std::string_view whole = R"({"a\\": {"b": "c"}, "d": 1})";
  for (std::size_t size = 1; size <= whole.size(); ++size) {
    for (const auto& member : read_json_object(whole.substr(0, size), 0).members) {
      CHECK(member.value_end <= size);
    }
  }
}

}  // namespace
}  // namespace culvert
