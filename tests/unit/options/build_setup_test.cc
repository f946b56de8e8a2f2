#include "options/build_setup.h"

#include <string>
#include <utility>
#include <vector>

#include "options/command_table.h"
#include "support/catch.h"
#include "unit/options/parsed_line.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using Action = SetupOptions::Action;

SetupOptions setup_of(Lines arguments) {
  arguments.insert(arguments.begin(), "setup");
  return options_of<SetupOptions>(arguments);
}

Lines setup_problems(Lines arguments) {
  arguments.insert(arguments.begin(), "setup");
  return problems_of(arguments);
}

}  // namespace

TEST_CASE("one target, and the defaults of setup") {
  const SetupOptions options = setup_of({"docker"});
  CHECK(options.targets == Lines{"docker"});
  CHECK(options.action == Action::print);
  CHECK(options.root == "/");
  CHECK(options.listen.empty());
  CHECK(options.no_proxy.empty());
  CHECK_FALSE(options.bridge);
  CHECK_FALSE(options.daemon_json);
  CHECK_FALSE(options.cache.has_value());
  CHECK(options.registries.empty());
  CHECK(options.service.empty());
}

TEST_CASE("setup knows its targets") {
  for (const SetupTarget& target : kSetupTargets) {
    if (target.name != kCacheTarget)
      CHECK(setup_of({std::string(target.name)}).targets.size() == 1);
  }
  CHECK(setup_of({"git", "apt", "git"}).targets == Lines{"git", "apt"});
  REQUIRE(setup_problems({}).size() == 1);
  CHECK(setup_problems({})[0].starts_with("setup: name a target, of docker, docker-rootless, "));
  const Lines problems = setup_problems({"frobnicator", "apt", "yum"});
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].starts_with("setup frobnicator: unknown target; there are docker, "));
  CHECK(setup_problems({"dokcer", "cri-o"}) ==
        Lines{"setup dokcer: unknown target (did you mean docker?)",
              "setup cri-o: unknown target (did you mean crio?)"});
}

TEST_CASE("what setup does") {
  CHECK(setup_of({"apt", "--install"}).action == Action::install);
  CHECK(setup_of({"apt", "--uninstall"}).action == Action::uninstall);
  CHECK(setup_of({"apt", "--dry-run"}).action == Action::dry_run);
  CHECK(setup_of({"--check"}).action == Action::check);
  CHECK(setup_of({"apt", "--check"}).targets == Lines{"apt"});
  CHECK(setup_of({"apt", "--install=false"}).action == Action::print);
  CHECK(setup_problems({"apt", "--install", "--dry-run", "--uninstall"}) ==
        Lines{"--install, --uninstall, --dry-run: contradict each other; give one of them"});
  CHECK(setup_problems({"apt", "--install=perhaps"}) ==
        Lines{"--install perhaps: either true or false"});
}

TEST_CASE("the address that clients shall use") {
  const auto listen_of = [](const std::string& text) {
    return setup_of({"docker", "--listen", text}).listen.at(0).listen.address.to_string();
  };
  CHECK(listen_of("127.0.0.1:3128") == "127.0.0.1:3128");
  CHECK(listen_of("http://proxy.example:8080/") == "proxy.example:8080");
  CHECK(listen_of("[::1]:1") == "[::1]:1");
  CHECK(listen_of("3129") == "127.0.0.1:3129");
  CHECK(listen_of("0.0.0.0:3128") == "0.0.0.0:3128");
  CHECK(setup_problems({"docker", "--listen", "127.0.0.1"}).size() == 1);
  CHECK(setup_problems({"docker", "--listen", "127.0.0.1:0"}) ==
        Lines{"--listen 127.0.0.1:0: no client can know which port that will be; name one"});
  CHECK(setup_problems({"docker", "--listen", "ftp://h:1"}).size() == 1);
  CHECK(setup_problems({"docker", "--listen", "127.0.0.1:1?certt=x"}).size() == 1);
}

TEST_CASE("every listener of serve is one for setup") {
  using Kind = ListenConfig::Kind;
  const SetupOptions options =
      setup_of({"docker", "--listen", "unix:/x?mode=0660", "--listen", "systemd:NAME", "--listen",
                "https://10.0.0.5:3129?cert=/c&key=/k", "--listen", "https://proxy.lan:3129/",
                "--listen", "https://10.0.0.5:1", "--listen", "127.0.0.1:2?proxy-protocol=on"});
  REQUIRE(options.listen.size() == 6);
  CHECK(options.listen[0].listen.kind == Kind::unix_socket);
  CHECK(options.listen[0].text == "unix:/x?mode=0660");
  CHECK(options.listen[1].listen.name == "NAME");
  CHECK(options.listen[2].listen.certificates.at(0).key == "/k");
  CHECK(options.listen[3].listen.address.to_string() == "proxy.lan:3129");
  CHECK(options.listen[3].listen.speaks == ListenConfig::Speaks::tls_only);
  CHECK(options.listen[4].listen.speaks == ListenConfig::Speaks::tls_only);
  CHECK(options.listen[5].listen.proxy_protocol);
  // A service has a certificate, and an address of this host.
  CHECK(setup_problems({"systemd", "--listen", "https://127.0.0.1:1"}) ==
        Lines{"--listen https://127.0.0.1:1: TLS needs a certificate: "
              "https://ADDRESS:PORT?cert=FILE&key=FILE"});
  CHECK(setup_problems({"systemd", "docker", "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:1"})
            .size() == 1);
}

TEST_CASE("the files of a service on another machine are not looked for on this one") {
  const TemporaryFile file("");
  const std::string root = file.path().substr(0, file.path().rfind('/'));
  CHECK(setup_of({"systemd", "--root", root, "--auth-file", "/nonexistent/users", "--upstream",
                  "socks5://u@h?password-file=/nonexistent/password"})
            .service.size() == 2);
  CHECK(setup_problems({"systemd", "--auth-file", "/nonexistent/users"}).size() == 1);
  CHECK(setup_problems({"systemd", "--root", root, "--listen", "h.example:1"}).size() == 1);
  CHECK(setup_of({"systemd", "--root", root}).is_elsewhere());
  CHECK_FALSE(setup_of({"systemd", "--root", "/"}).is_elsewhere());
}

TEST_CASE("setup systemd writes down what serve takes") {
  const SetupOptions options =
      setup_of({"systemd", "--listen", "0.0.0.0:3128", "--allow-client", "10.0.0.0/8", "--upstream",
                "a=socks5://u:p@h", "--upstream=direct", "--hold", "5s"});
  CHECK(options.listen.at(0).text == "0.0.0.0:3128");
  const decltype(options.service) expected = {{"allow-client", {"10.0.0.0/8"}},
                                              {"upstream", {"a=socks5://u:p@h", "direct"}},
                                              {"hold", {"5s"}}};
  CHECK(options.service == expected);
  CHECK(setup_of({"systemd", "--open-proxy"}).service.at(0).second == Lines{"true"});
  CHECK(setup_of({"systemd", "--access-log", "/none/a"}).service.at(0).second == Lines{"/none/a"});
  CHECK(setup_of({"systemd", "--open-proxy=Yes"}).service.at(0).second == Lines{"true"});
  CHECK(setup_of({"systemd", "--open-proxy=off"}).service.at(0).second == Lines{"false"});

  CHECK(setup_problems({"systemd", "--listen", "host.example:1"}) ==
        Lines{"--listen host.example:1: this is no IP address; listen on one of this host, or on "
              "localhost"});
  CHECK(setup_problems({"systemd", "--config", "/x"}) ==
        Lines{"--config: setup reads no file; give the options themselves"});
  CHECK(setup_problems({"docker", "--upstream", "socks5://h"}) ==
        Lines{"--upstream: only setup systemd writes it down, for the service"});
}

TEST_CASE("setup cache has an address and registries") {
  const SetupOptions options = setup_of({"docker", "cache", "localhost:5000", "apt", "--registry",
                                         "gcr.io", "--registry", "K8s.io", "--registry", "GCR.IO"});
  CHECK(options.targets == Lines{"docker", "cache", "apt"});
  CHECK(options.cache.value().to_string() == "localhost:5000");
  CHECK(options.registries == Lines{"gcr.io", "k8s.io"});
  CHECK(options.has("cache"));
  CHECK_FALSE(options.has("git"));

  CHECK(setup_of({"cache", "--uninstall"}).registries.empty());
  CHECK(setup_problems({"cache", "apt"}) ==
        Lines{"setup cache: needs its address, as in setup cache 127.0.0.1:5000",
              "setup cache: needs the registry whose images it holds, as in --registry gcr.io"});
  CHECK(setup_problems({"cache", "h:1", "cache", "h:2", "--registry", "gcr.io"}) ==
        Lines{"setup cache h:2: a second cache"});
  CHECK(setup_problems({"cache", "h", "--registry", "https://u:secret@gcr.io/v2"}).size() == 2);
  CHECK(setup_problems({"apt", "--registry", "gcr.io", "--daemon-json"}) ==
        Lines{"--registry: an option of setup cache alone",
              "--daemon-json: an option of setup docker alone"});
}

TEST_CASE("other options of setup") {
  const SetupOptions options = setup_of({"docker", "--bridge", "--daemon-json", "--root", "/tmp",
                                         "--no-proxy", "a.example,10.0.0.0/8", "--no-proxy", "b"});
  CHECK(options.bridge);
  CHECK(options.daemon_json);
  CHECK(options.root == "/tmp");
  CHECK(options.no_proxy == "a.example,10.0.0.0/8,b");
  const TemporaryFile file("");
  CHECK(setup_problems({"apt", "--root", "/nonexistent", "--no-proxy", "\"a\""}) ==
        Lines{"--root /nonexistent: No such file or directory",
              "--no-proxy \"a\": write hosts and addresses with commas between them, without "
              "quotes"});
  CHECK(setup_problems({"apt", "--root", file.path()}) ==
        Lines{"--root " + file.path() + ": is no directory"});
}
