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

TEST_CASE("the program of run, with and without --") {
  const auto program_of = [](const Lines& arguments) {
    const Arguments read = read_arguments(arguments);
    CHECK(read.source.problems.empty());
    CHECK_FALSE(read.help);
    return read.program;
  };
  const Lines curl = {"curl", "-h", "--upstream", "--"};
  CHECK(program_of({"run", "--", "curl", "-h", "--upstream", "--"}) == curl);
  CHECK(program_of({"run", "curl", "-h", "--upstream", "--"}) == curl);
  CHECK(program_of({"run", "--upstream", "direct", "curl", "-h", "--upstream", "--"}) == curl);
  CHECK(program_of({"run", "--upstream=direct", "--open-proxy", "--hold", "5s", "--", "curl", "-h",
                    "--upstream", "--"}) == curl);
  CHECK(program_of({"run", "--", "--version"}) == Lines{"--version"});
  CHECK(program_of({"run", "--", "--", "x"}) == Lines{"--", "x"});
  CHECK(program_of({"run", "-"}) == Lines{"-"});
  CHECK(program_of({"run", "--max-connections", "-1", "ls"}) == Lines{"ls"});
  CHECK(program_of({"run"}).empty());
  CHECK(program_of({"run", "--"}).empty());

  const Arguments read = read_arguments({"run", "--route", "a=b", "run", "--route"});
  CHECK(read.source.settings.of("route").size() == 1);
  CHECK(read.program == Lines{"run", "--route"});
  CHECK(read_arguments({"run", "--hold", "5s", "-h"}).help);
}

TEST_CASE("a value that is missing before the program of run") {
  const Arguments read = read_arguments({"run", "--upstream", "--hold", "1s", "--", "ls"});
  CHECK(read.source.problems == Lines{"--upstream: needs a value, [NAME=]URL"});
  CHECK(read.program == Lines{"ls"});
  CHECK(read_arguments({"run", "--upstream", "--", "ls"}).program == Lines{"ls"});
}

TEST_CASE("words and flags of check and setup") {
  const Arguments check = read_arguments(
      {"check", "gcr.io/x:1", "--json", "--timeout", "5s", "nginx", "--threads", "1", "--", "-x"});
  CHECK(check.source.problems.empty());
  CHECK(check.words == Lines{"gcr.io/x:1", "nginx", "-x"});
  CHECK(check.own.has("json"));
  CHECK(check.own.of("timeout").at(0).value == "5s");
  CHECK_FALSE(check.source.settings.has("timeout"));
  CHECK(check.source.settings.has("threads"));

  // The command's own flag counts, not the proxy's of the same name.
  const Arguments setup = read_arguments({"setup", "docker", "--listen", "h:1", "--hold", "1s"});
  CHECK(setup.own.has("listen"));
  CHECK_FALSE(setup.source.settings.has("listen"));
  CHECK(setup.source.settings.has("hold"));
  CHECK(read_arguments({"setup", "--root", "/a", "--root", "/b"}).source.problems ==
        Lines{"--root: given 2 times, takes one"});
}

TEST_CASE("a flag of another command is told whose it is") {
  CHECK(read_arguments({"--json"}).source.problems ==
        Lines{"--json: an option of check and status"});
  CHECK(read_arguments({"check", "--install"}).source.problems ==
        Lines{"--install: an option of setup"});
  CHECK(read_arguments({"run", "--timeout", "5s", "ls", "--json"}).source.problems ==
        Lines{"--timeout: an option of check"});
  CHECK(read_arguments({"man", "--root", "/x"}).source.problems ==
        Lines{"--root: an option of setup"});
}

TEST_CASE("the shell behind completion") {
  CHECK(read_arguments({"completion", "zsh"}).words == Lines{"zsh"});
  CHECK(read_arguments({"completion"}).words.empty());
  CHECK(read_arguments({"completion", "--help"}).help);
  CHECK(read_arguments({"completion", "zsh", "bash"}).source.problems ==
        Lines{"bash: unexpected argument"});
}
