#include "options/query_option.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

QueryOption only_option(std::string_view query) {
  const auto options = query_options(query);
  REQUIRE(options.size() == 1);
  return options[0];
}

}  // namespace

TEST_CASE("options are split at '&', their names are in lower case, white space goes") {
  const auto options = query_options("CA = /a/b &Warm=4&x&=");
  REQUIRE(options.size() == 4);
  CHECK(options[0].name == "ca");
  CHECK(options[0].written == "/a/b");
  CHECK(options[0].has_equals);
  CHECK(options[1].name == "warm");
  CHECK(options[1].written == "4");
  CHECK(options[2].name == "x");
  CHECK(options[2].written.empty());
  CHECK_FALSE(options[2].has_equals);
  CHECK(options[3].name.empty());
  CHECK(options[3].has_equals);
}

TEST_CASE("an option's value is percent-decoded, and a file's keeps the mark of a credential") {
  std::vector<std::string> problems;
  CHECK(only_option("sni=a%2Db=c").value(false, problems) == "a-b=c");
  CHECK(only_option("ca=%d/a%20b").value(true, problems) == "%d/a b");
  CHECK(problems.empty());
}

TEST_CASE("what is no value of an option is told by the option's name") {
  struct Row {
    const char* query;
    bool is_file;
    const char* problem;
  };
  const auto row = GENERATE(values<Row>({
      {"Warm=50%", false, "warm: a '%' in a value is written %25"},
      {"warm=%d/x", false, "warm: a '%' in a value is written %25"},
      {"ca=/a%", true, "ca: a '%' in a value is written %25"},
      {"ca=/a%00b", true, "ca: a value holds no NUL byte (%00)"},
      {"warm", false, "option 'warm' needs a value, as in warm=..."},
      {"warm= ", false, "option 'warm' needs a value, as in warm=..."},
  }));
  std::vector<std::string> problems;
  CHECK_FALSE(only_option(row.query).value(row.is_file, problems));
  CHECK(problems == std::vector<std::string>{row.problem});
}
