#include "options/arguments.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the command is the first argument") {
  CHECK(read_arguments({}).command == "serve");
  CHECK(read_arguments({"--threads", "1"}).command == "serve");
  CHECK(read_arguments({"check"}).command == "check");
  CHECK(read_arguments({"serve", "check"}).source.problems == Lines{"check: unexpected argument"});
}

TEST_CASE("values in their order, in both spellings") {
  const Arguments read = read_arguments(
      {"--upstream", "a=direct", "--open-proxy", "--upstream=b=direct", "--hold", "5s"});
  CHECK(read.source.problems.empty());
  const auto& upstreams = read.source.settings.of("upstream");
  REQUIRE(upstreams.size() == 2);
  CHECK(upstreams[0].value == "a=direct");
  CHECK(upstreams[0].origin == "--upstream");
  CHECK(upstreams[1].value == "b=direct");
  CHECK(read.source.settings.of("open-proxy").at(0).value.empty());
  CHECK(read.source.settings.of("hold").at(0).value == "5s");
  CHECK_FALSE(read.help);
  CHECK_FALSE(read.version);
}

TEST_CASE("help and version") {
  CHECK(read_arguments({"--help"}).help);
  CHECK(read_arguments({"serve", "-h"}).help);
  CHECK_FALSE(read_arguments({"--", "-h"}).help);
  CHECK_FALSE(read_arguments({"-hold"}).help);
  CHECK(read_arguments({"--version"}).version);
}

TEST_CASE("URLs of check, and routes") {
  const Arguments read =
      read_arguments({"check", "--route", "https://gcr.io/v2/", "quay.io:443", "--route",
                      "gcr.io=direct", "--route=http://x/?a=b", "--threads", "1"});
  CHECK(read.source.problems.empty());
  CHECK(read.questions == Lines{"https://gcr.io/v2/", "quay.io:443", "http://x/?a=b"});
  const auto& routes = read.source.settings.of("route");
  REQUIRE(routes.size() == 1);
  CHECK(routes[0].value == "gcr.io=direct");
}

TEST_CASE("the shell behind completion") {
  CHECK(read_arguments({"completion", "zsh"}).shell == "zsh");
  CHECK(read_arguments({"completion"}).shell.empty());
  CHECK(read_arguments({"completion", "--help"}).help);
  CHECK(read_arguments({"completion", "zsh", "bash"}).source.problems ==
        Lines{"bash: unexpected argument"});
}
