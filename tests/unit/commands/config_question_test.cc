#include "commands/config_question.h"

#include <string>
#include <vector>

#include "support/catch.h"
#include "unit/options/parsed_line.h"

namespace culvert {
namespace {

TEST_CASE("a valid configuration is told in a line") {
  CHECK(valid_config_line(test::config_of({})) ==
        "the configuration is valid: 2 listeners, no upstream (direct), 0 routes");
  CHECK(valid_config_line(test::config_of({"--listen", "127.0.0.1:1", "--upstream", "a=socks5://h",
                                           "--route", "x.example=direct"})) ==
        "the configuration is valid: 1 listener, 1 upstream, 1 route");
}

TEST_CASE("the switches are of serve alone, and are read as such") {
  const auto both = test::options_of<ConfigQuestion>({"serve", "--check-config", "--print-config"});
  CHECK(both.check);
  CHECK(both.print);
  CHECK_FALSE(test::options_of<ConfigQuestion>({"--check-config"}).print);
  test::options_of<Config>({"--check-config=no"});
  CHECK(test::problems_of({"--check-config=perhaps"}).size() == 1);
  CHECK(test::problems_of({"check", "--check-config"}) ==
        test::Lines{"--check-config: an option of serve"});
  // Mistakes are told as a start tells them.
  CHECK(test::problems_of({"--check-config", "--threads", "0", "--hold", "x"}).size() == 2);
}

}  // namespace
}  // namespace culvert
