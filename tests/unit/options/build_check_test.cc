#include "options/build_check.h"

#include <chrono>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;

Settings settings(const std::vector<std::pair<std::string, std::string>>& flags) {
  Settings out;
  for (const auto& [flag, value] : flags) out.add(flag, {value, "--" + flag});
  return out;
}

Lines problems_with(const std::vector<std::pair<std::string, std::string>>& flags) {
  Lines problems;
  build_check(settings(flags), {}, problems);
  return problems;
}

}  // namespace

TEST_CASE("the options of check") {
  Lines problems;
  const CheckOptions options =
      build_check(settings({{"json", ""}, {"pid", "4194304"}, {"timeout", "2m"}}),
                  {"gcr.io/x", "https://y"}, problems);
  CHECK(problems.empty());
  CHECK(options.targets == Lines{"gcr.io/x", "https://y"});
  CHECK(options.json);
  CHECK(options.pid == 4194304);
  CHECK(options.timeout == std::chrono::minutes(2));
}

TEST_CASE("a target of check is no empty text, as of a variable that is not set") {
  Lines problems;
  build_check(Settings(), {"nginx", "", " "}, problems);
  CHECK(problems == Lines{"check: a target is empty", "check: a target is empty"});
}

TEST_CASE("the defaults of check") {
  Lines problems;
  const CheckOptions options = build_check(settings({{"json", "no"}}), {}, problems);
  CHECK(problems.empty());
  CHECK_FALSE(options.json);
  CHECK_FALSE(options.pid.has_value());
  CHECK(options.timeout == std::chrono::seconds(30));
}

TEST_CASE("mistakes in the options of check, all at once") {
  CHECK(problems_with({{"json", "maybe"}, {"pid", "0"}, {"timeout", "soon"}}) ==
        Lines{"--json maybe: either true or false", "--pid 0: not between 1 and 2147483647",
              "--timeout soon: not a time; write 500ms, 12s, 5m or 1h"});
  CHECK(problems_with({{"timeout", "999ms"}}) == Lines{"--timeout 999ms: not between 1s and 10m"});
  CHECK(problems_with({{"timeout", "11m"}}) == Lines{"--timeout 11m: not between 1s and 10m"});
  CHECK(problems_with({{"timeout", "off"}}) == Lines{"--timeout off: not between 1s and 10m"});
}
