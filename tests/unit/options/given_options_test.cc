#include "options/given_options.h"

#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

std::string given(const std::vector<std::string>& arguments) {
  return given_options(read_arguments(arguments), "timeout");
}

}  // namespace

TEST_CASE("options are given again as they were") {
  CHECK(given({"check"}).empty());
  CHECK(given({"check", "--timeout", "9s", "--pid=7", "--json", "gcr.io/x"}) == "--json --pid 7");
  CHECK(given({"check", "--json=no"}) == "--json=no");
  CHECK(given({"check", "--upstream", "a=socks5://h:1", "--upstream", "b=http://h:2?via=a",
               "--route", "*.io=a", "--open-proxy"}) ==
        "--open-proxy --route '*.io=a' --upstream a=socks5://h:1 --upstream 'b=http://h:2?via=a'");
  CHECK(given_option(read_arguments({"check", "--timeout", "9s"}), "timeout") == "--timeout 9s");
  CHECK(given_option(read_arguments({"check"}), "timeout").empty());
}

TEST_CASE("options are given again without what is secret") {
  CHECK(given({"check", "--upstream", "a=http://me:hush@h:1?via=b"}) ==
        "--upstream 'a=http://USER:PASSWORD@h:1?via=b'");
  CHECK(given({"check", "--upstream", "http://me@h:1"}) == "--upstream http://USER:PASSWORD@h:1");
  CHECK(given({"check", "--tunnel-command", "sshpass -p hush ssh h"}) ==
        "--tunnel-command COMMAND");
}
