#include "commands/kept_options.h"

#include <algorithm>

#include "support/catch.h"
#include "unit/options/temporary_file.h"

namespace culvert {
namespace {

const std::string kInstalled =
    "listen = \"systemd\"\n"
    "upstream = [\n  \"a=socks5://u:pw@127.0.0.1:1\",\n  \"b=direct://\",\n]\n"
    "route = \"*=a,b\"\n"
    "allow-client = \"10.0.0.0/8\"\n"
    "drain-timeout = \"10s\"\n";

TEST_CASE("what the installed service has is kept") {
  const KeptOptions options = keep_options({}, kInstalled, "/");
  CHECK(options.problem.empty());
  CHECK(options.kept == std::vector<std::string>{"allow-client", "upstream", "route"});
  ServiceOptions all = options.service;
  std::sort(all.begin(), all.end());
  CHECK(all == ServiceOptions{{"allow-client", {"10.0.0.0/8"}},
                              {"route", {"*=a,b"}},
                              {"upstream", {"a=socks5://u:pw@127.0.0.1:1", "b=direct://"}}});
  CHECK(keep_options({{"allow-client", {"10.1.0.0/16"}}}, "", "/").kept.empty());
}

TEST_CASE("a given option replaces the installed one as a whole") {
  const KeptOptions options = keep_options(
      {{"upstream", {"a=socks5://h:2"}}, {"route", {"*=a"}}, {"drain-timeout", {"5s"}}}, kInstalled,
      "/");
  CHECK(options.problem.empty());
  CHECK(options.kept == std::vector<std::string>{"allow-client"});
  CHECK(options.service.size() == 4);
}

TEST_CASE("an open service is closed by naming its clients") {
  CHECK(keep_options({{"allow-client", {"10.0.0.0/8"}}}, "open-proxy = \"true\"\n", "/")
            .kept.empty());
  CHECK(keep_options({{"open-proxy", {"true"}}}, "allow-client = \"10.0.0.0/8\"\n", "/")
            .kept.empty());
}

TEST_CASE("what does not go with the installed options is refused, without a password") {
  const std::string problem =
      keep_options({{"upstream", {"c=socks5://u:pw@h:2"}}}, kInstalled, "/").problem;
  CHECK(problem.find("route") != std::string::npos);
  CHECK(problem.find("give all options of the service again") != std::string::npos);
  CHECK(problem.find("pw") == std::string::npos);
}

TEST_CASE("a file whose path is not known any more is no upstream's") {
  const std::string config =
      "upstream = \"http://u@h:1?password-file=/run/credentials/culvert.service/b\"\n";
  CHECK_FALSE(keep_options({}, config, "/").problem.empty());
  CHECK(keep_options({{"upstream", {"http://h:1"}}}, config, "/").problem.empty());
}

TEST_CASE("where the installed service listens is told by its socket and its configuration") {
  const auto texts = [](const InstalledService& service) {
    std::vector<std::string> found;
    for (const GivenListener& given : installed_listeners(service)) found.push_back(given.text);
    return found;
  };
  const std::string own = "http-only://127.0.0.1:3";
  CHECK(texts({}).empty());
  CHECK(texts({{"127.0.0.1:1", "unix:/x?mode=0600"}, "", ""}) ==
        std::vector<std::string>{"127.0.0.1:1", "unix:/x?mode=0600"});
  CHECK(texts({{"127.0.0.1:1"}, "", "listen = [\n  \"systemd\",\n  \"" + own + "\",\n]\n"}) ==
        std::vector<std::string>{"127.0.0.1:1", own});
  CHECK(texts({{"127.0.0.1:1"}, "", "listen = [\"systemd:culvert.socket\", \"systemd:tls\"]\n"}) ==
        std::vector<std::string>{"127.0.0.1:1", "systemd:tls"});
}

TEST_CASE("files of a service are looked for below its root") {
  const TemporaryFile users("alice:$6$salt$" + std::string(86, 'x') + "\n");
  const std::size_t slash = users.path().rfind('/');
  const std::string root = users.path().substr(0, slash);
  Settings settings;
  settings.add("auth-file", {users.path().substr(slash), "--auth-file"});
  settings.add("access-log", {"/nonexistent/log", "--access-log"});
  CHECK(service_problems(settings, root).empty());
  CHECK(service_problems(settings, "/").size() == 1);
}

}  // namespace
}  // namespace culvert
