#include "commands/kept_options.h"

#include <algorithm>

#include "support/catch.h"

namespace culvert {
namespace {

const std::string kInstalled =
    "listen = \"systemd\"\n"
    "upstream = [\n  \"a=socks5://u:pw@127.0.0.1:1\",\n  \"b=direct://\",\n]\n"
    "route = \"*=a,b\"\n"
    "allow-client = \"10.0.0.0/8\"\n"
    "drain-timeout = \"10s\"\n";

TEST_CASE("what the installed service has is kept") {
  const KeptOptions options = keep_options({}, kInstalled);
  CHECK(options.problem.empty());
  CHECK(options.kept == std::vector<std::string>{"allow-client", "upstream", "route"});
  ServiceOptions all = options.service;
  std::sort(all.begin(), all.end());
  CHECK(all == ServiceOptions{{"allow-client", {"10.0.0.0/8"}},
                              {"route", {"*=a,b"}},
                              {"upstream", {"a=socks5://u:pw@127.0.0.1:1", "b=direct://"}}});
  CHECK(keep_options({{"allow-client", {"10.1.0.0/16"}}}, "").kept.empty());
}

TEST_CASE("a given option replaces the installed one as a whole") {
  const KeptOptions options = keep_options(
      {{"upstream", {"a=socks5://h:2"}}, {"route", {"*=a"}}, {"drain-timeout", {"5s"}}},
      kInstalled);
  CHECK(options.problem.empty());
  CHECK(options.kept == std::vector<std::string>{"allow-client"});
  CHECK(options.service.size() == 4);
}

TEST_CASE("an open service is closed by naming its clients") {
  CHECK(keep_options({{"allow-client", {"10.0.0.0/8"}}}, "open-proxy = \"true\"\n").kept.empty());
  CHECK(keep_options({{"open-proxy", {"true"}}}, "allow-client = \"10.0.0.0/8\"\n").kept.empty());
}

TEST_CASE("what does not go with the installed options is refused, without a password") {
  const std::string problem =
      keep_options({{"upstream", {"c=socks5://u:pw@h:2"}}}, kInstalled).problem;
  CHECK(problem.find("route") != std::string::npos);
  CHECK(problem.find("give all options of the service again") != std::string::npos);
  CHECK(problem.find("pw") == std::string::npos);
}

TEST_CASE("a file whose path is not known any more is no upstream's") {
  const std::string config =
      "upstream = \"http://u@h:1?password-file=/run/credentials/culvert.service/b\"\n";
  CHECK_FALSE(keep_options({}, config).problem.empty());
  CHECK(keep_options({{"upstream", {"http://h:1"}}}, config).problem.empty());
}

}  // namespace
}  // namespace culvert
