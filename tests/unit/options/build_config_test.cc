#include "options/build_config.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "unit/options/parsed_line.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;
using std::chrono::milliseconds;

TEST_CASE("an address that is listened on twice") {
  CHECK(problems_of({"--listen", "127.0.0.1:1", "--listen", "http://127.0.0.1:1"}) ==
        Lines{"--listen http://127.0.0.1:1: http://127.0.0.1:1 is listened on twice"});
  CHECK(problems_of({"--listen", "localhost:1", "--listen", "127.0.0.1:1"}).size() == 1);
  CHECK(problems_of({"--listen", "unix:/a", "--listen", "unix:/a"}).size() == 1);
  CHECK(config_of({"--listen", "127.0.0.1:0", "--listen", "127.0.0.1:0"}).listen.size() == 2);
  // systemd takes the sockets of every name.
  CHECK(problems_of({"--listen", "systemd", "--listen", "systemd:web"}) ==
        Lines{"--listen systemd:***: systemd:web is listened on twice"});
  CHECK(problems_of({"--listen", "systemd:web", "--listen", "systemd"}).size() == 1);
  CHECK(problems_of({"--listen", "systemd:web", "--listen", "systemd:web"}).size() == 1);
  CHECK(config_of({"--listen", "systemd:web", "--listen", "systemd:admin"}).listen.size() == 2);
}

TEST_CASE("an address that another listener takes as well") {
  CHECK(problems_of({"--listen", "0.0.0.0:1", "--listen", "127.0.0.1:1", "--open-proxy"}) ==
        Lines{"--listen 127.0.0.1:1: http://0.0.0.0:1 takes its clients as well; leave one out"});
  CHECK(problems_of({"--listen", "[::1]:1", "--listen", "[::]:1", "--open-proxy"}) ==
        Lines{"--listen [::]:1: http://[::]:1 takes the clients of http://[::1]:1 as well; leave "
              "one out"});
  CHECK(problems_of({"--listen", ":1", "--listen", "[::1]:1", "--open-proxy"}).size() == 1);
  CHECK(
      config_of({"--listen", "[::]:1", "--listen", "127.0.0.1:1", "--open-proxy"}).listen.size() ==
      2);
  CHECK(config_of({"--listen", "0.0.0.0:1", "--listen", "127.0.0.1:2", "--open-proxy"})
            .listen.size() == 2);
  CHECK(config_of({"--listen", "0.0.0.0:0", "--listen", "127.0.0.1:0", "--open-proxy"})
            .listen.size() == 2);
}

TEST_CASE("whose sessions are traced") {
  const Config config = config_of({"--trace-target", "gcr.io,.gcr.io", "--trace-target",
                                   "10.0.0.0/8:5000", "--trace-sessions", "3"});
  REQUIRE(config.trace_targets.size() == 3);
  CHECK(config.trace_targets[2].text() == "10.0.0.0/8:5000");
  CHECK(config.trace_sessions == 3);
  CHECK(config_of({}).trace_targets.empty());
  CHECK(problems_of({"--trace-target", "gcr.io:x,,bob:hush@gcr.io", "--trace-sessions", "0"})
            .size() == 4);
  CHECK(config_of({"--trace-sessions", "3"}).warnings ==
        Lines{"--trace-sessions: without --trace-target no session is traced"});
}

TEST_CASE("upstreams of one name") {
  CHECK(problems_of({"--upstream", "a=direct", "--upstream", "a=socks5://h"}) ==
        Lines{"--upstream socks5://h:1080: there are two upstreams of the name 'a'; write "
              "OTHERNAME=socks5://h:1080"});
  CHECK(problems_of({"--upstream", "http://u:secret@h", "--upstream", "http://h:3128"}) ==
        Lines{"--upstream http://h:3128: there are two upstreams of the name 'http://h:3128'; "
              "write OTHERNAME=http://h:3128"});
}

TEST_CASE("a listener that takes PROXY headers needs to know from whom") {
  const std::string open = "--open-proxy";
  CHECK(problems_of({"--listen", "0.0.0.0:1?proxy-protocol=on", open}) ==
        Lines{"--listen http://0.0.0.0:1?proxy-protocol=on: say whose header is believed with "
              "--load-balancer CIDR,..."});
  // Of this host's own, where nothing is said.
  CHECK(config_of({"--listen", "1?proxy-protocol=on"}).load_balancers.empty());
  CHECK(config_of({"--listen", "unix:/a?proxy-protocol=on"}).load_balancers.empty());
  // Judged once the sockets are there.
  CHECK(config_of({"--listen", "systemd?proxy-protocol=on"}).load_balancers.empty());

  const Config config =
      config_of({"--listen", "0.0.0.0:1?proxy-protocol=on", open, "--load-balancer",
                 "10.0.0.7,fd00::/8", "--load-balancer", "192.0.2.0/24"});
  CHECK(config.load_balancers.size() == 3);
  CHECK(config.warnings.empty());
  CHECK(problems_of({"--load-balancer", "lb.example"}).size() == 1);
  CHECK(config_of({"--load-balancer", "10.0.0.7"}).warnings ==
        Lines{"--load-balancer: no --listen has ?proxy-protocol=on, so nothing is taken from a "
              "load balancer"});
  CHECK(config_of({"--listen", "1?proxy-protocol=on", "--load-balancer", "0.0.0.0/0"}).warnings ==
        Lines{"--load-balancer 0.0.0.0/0: whoever reaches that listener can pass for any client"});
}

TEST_CASE("a listener open to others needs a rule on who may use it") {
  const auto line = [](const std::string& address) {
    return "--listen http://" + address +
           ": others than this host can reach it; say who may use it with --allow-client CIDR,..., "
           "--auth-file FILE or https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or let everybody "
           "with --open-proxy";
  };
  CHECK(problems_of({"--listen", "0.0.0.0:3128"}) == Lines{line("0.0.0.0:3128")});
  CHECK(problems_of({"--listen", ":3128"}) == Lines{line("0.0.0.0:3128")});
  CHECK(problems_of({"--listen", "172.17.0.1:1", "--listen", "3128"}) ==
        Lines{line("172.17.0.1:1")});
  CHECK(config_of({"--listen", "172.17.0.1:1", "--allow-client", "172.17.0.0/16"})
            .allow_clients.size() == 1);
  CHECK(config_of({"--listen", "172.17.0.1:1", "--open-proxy"}).open_proxy);
  CHECK(config_of({"--listen", "unix:/tmp/a"}).listen.size() == 1);
  CHECK(config_of({"--listen", "systemd"}).listen.size() == 1);  // known at the start only
  CHECK(problems_of({"--open-proxy", "--allow-client", "10.0.0.0/8"}) ==
        Lines{"--open-proxy: contradicts --allow-client; give one of them"});
}

TEST_CASE("a certificate locks the listener that lets nobody in without it, and no other") {
  const TemporaryFile pem("");
  const std::string locked = "?cert=" + pem.path() + "&client-ca=" + pem.path();
  CHECK(config_of({"--listen", "https://0.0.0.0:1" + locked}).listen[0].wants_certificate());
  const Lines beside = problems_of({"--listen", "https://0.0.0.0:1" + locked, "--listen", ":2"});
  REQUIRE(beside.size() == 1);
  CHECK_THAT(beside[0], Catch::Matchers::StartsWith("--listen http://0.0.0.0:2: others "));
  // With client-ca= it takes TLS alone, whatever stands before it.
  CHECK(config_of({"--listen", "http://0.0.0.0:1" + locked}).listen[0].wants_certificate());
  CHECK(problems_of({"--listen", "https://0.0.0.0:1?cert=" + pem.path()}).size() == 1);
}

TEST_CASE("who shall own the file of a unix socket is somebody") {
  CHECK(config_of({"--listen", "unix:/a?owner=root&group=0"}).listen[0].owner == "root");
  CHECK(problems_of({"--listen", "unix:/a?owner=nobody-here&group=nor-here"}) ==
        Lines{"--listen unix:/a?owner=nobody-here&group=nor-here: owner: no user is named "
              "nobody-here",
              "--listen unix:/a?owner=nobody-here&group=nor-here: group: no group is named "
              "nor-here"});
  CHECK(std::holds_alternative<Config>(
      parse_command_line({"--listen", "unix:/a?owner=nobody-here"}, {}, ReadWhen::serving)));
}

TEST_CASE("a probe wants a connection, or an answer in TLS") {
  CHECK(config_of({"--probe-tls", "gcr.io:443"}).probe_tls->to_string() == "gcr.io:443");
  CHECK(problems_of({"--probe", "gcr.io:443", "--probe-tls", "gcr.io:443"}) ==
        Lines{"--probe-tls: contradicts --probe; give one of them"});
}

TEST_CASE("the access log's file") {
  CHECK(problems_of({"--access-log", "/tmp"}) == Lines{"--access-log /tmp: is a directory"});
  CHECK(problems_of({"--access-log", "http://u:secret@h/x"}).front().find("secret") ==
        std::string::npos);
}

TEST_CASE("the access log's journal is looked for at the start") {
  const bool is_here = access("/run/systemd/journal/socket", F_OK) == 0;
  const CommandLine start = parse_command_line({"--access-log", "journal"});
  CHECK(std::holds_alternative<Config>(start) == is_here);
  if (!is_here) {
    CHECK(problems_of({"--access-log", "journal"}) ==
          Lines{"--access-log journal: there is no systemd journal here "
                "(/run/systemd/journal/socket: No such file or directory); outside of systemd, as "
                "in a container, write -, a file or off"});
  }
  CHECK(std::holds_alternative<Config>(
      parse_command_line({"--access-log", "journal"}, {}, ReadWhen::serving)));
}

TEST_CASE("draining: 0 is no time, off is no limit") {
  CHECK(config_of({"--drain-timeout", "0"}).drain_timeout == milliseconds(0));
  CHECK(config_of({"--drain-timeout", "1m"}).drain_timeout == milliseconds(60'000));
  CHECK_FALSE(config_of({"--drain-timeout", " Off "}).drain_timeout.has_value());
  CHECK(problems_of({"--drain-timeout", "200h"}) ==
        Lines{"--drain-timeout 200h: not between 0 and 168h (or off)"});
}

TEST_CASE("values are taken from settings, problems name their origin") {
  Settings settings;
  settings.add("threads", {"3", "somewhere"});
  settings.add("hold", {"1ms", "here"});
  settings.add("hold", {"56s", "there"});
  settings.add("upstream", {"office=http://proxy.example", "a"});
  std::vector<std::string> problems;
  const Config config = build_config(settings, ReadWhen::starting, problems);
  CHECK(problems == Lines{"there 56s: not between 0 and 55s"});
  CHECK(config.threads == 3);
  CHECK(config.upstreams.at(0).name == "office");
  CHECK(config.upstream_given);
}

TEST_CASE("white space and line breaks mean the same wherever a value stands") {
  const TemporaryFile file(
      "hold = ' 5s\t'\nlog_level = \"debug\\n\"\nallow_client = [\"10.0.0.0/8\\n172.17.0.0/16\"]\n"
      "route = \"gcr.io , k8s.gcr.io = direct\\nquay.io=deny\\n\"\n");
  const std::vector<Config> all = {
      config_of({"--hold", " 5s\n", "--log-level", "debug\r\n", "--allow-client",
                 "10.0.0.0/8,\n172.17.0.0/16", "--route",
                 "gcr.io, k8s.gcr.io=direct\nquay.io=deny"}),
      config_of({}, {{"CULVERT_HOLD", "5s\n"},
                     {"CULVERT_LOG_LEVEL", "debug\n"},
                     {"CULVERT_ALLOW_CLIENT", "10.0.0.0/8, 172.17.0.0/16\r\n"},
                     {"CULVERT_ROUTE", "gcr.io, k8s.gcr.io=direct quay.io=deny\n"}}),
      config_of({"--config", file.path() + "\n"})};
  for (const Config& config : all) {
    CHECK(config.hold == milliseconds(5000));
    CHECK(config.log_level == Log::Level::debug);
    CHECK(config.allow_clients.size() == 2);
    REQUIRE(config.routes.size() == 2);
    CHECK(config.routes[0].patterns.size() == 2);
  }
  CHECK(problems_of({"--hold", " \n", "--allow-client", "\t"}) ==
        Lines{"--allow-client: needs a value, CIDR,...", "--hold: needs a value, TIME"});
}

TEST_CASE("clients that no client can be") {
  const auto problem_of = [](const std::string& text) {
    const Lines found = problems_of({"--allow-client", text});
    REQUIRE(found.size() == 1);
    return found[0];
  };
  const std::string prefix = "--allow-client ";
  const std::string quote = "holds a quote, which is no part of a host; leave the quotes out";
  CHECK(problem_of("'10.0.0.0/8'") == prefix + "'10.0.0.0/8': " + quote);
  CHECK(problem_of("10.0.0.0/8;172.17.0.0/16").ends_with("separated by commas alone"));
  CHECK(problem_of("${CLIENTS}").ends_with("a variable that nothing has replaced"));
  CHECK(problem_of("10.0.0.1-10.0.0.9").ends_with("written as blocks, as in 172.17.0.0/16"));
  CHECK(problem_of("10.0.0.0/33").ends_with("(bits behind the prefix are zero)"));
  CHECK(problem_of("0.0.0.0") ==
        prefix + "0.0.0.0: no client has that address; 0.0.0.0/0 is everybody");
  CHECK(problem_of("::").ends_with("::/0 is everybody"));
  CHECK(problem_of("10.0.0.0/8,") == prefix + "10.0.0.0/8,: an address is missing beside a ','");
  CHECK(problems_of({"--allow-client", "10.0.0.*, 172.17.0.0/16,'x'"}).size() == 2);
}

TEST_CASE("the users of an auth file") {
  const TemporaryFile file(
      "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n");
  const Config config = config_of({"--auth-file", file.path()});
  CHECK(config.auth_file == file.path());
  REQUIRE(config.users != nullptr);
  CHECK(config.users->find("alice") != nullptr);
  CHECK(config.warnings == Lines{});
  CHECK(config_of({}).users == nullptr);
  CHECK(config_of({"--auth-file", file.path(), "--allow-client", "10.0.0.0/8"}).users != nullptr);
}

TEST_CASE("an auth file that every user of the host can read is warned of") {
  const TemporaryFile file(
      "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n");
  REQUIRE(chmod(file.path().c_str(), 0644) == 0);
  const Config config = config_of({"--auth-file", file.path()});
  CHECK(config.users != nullptr);
  CHECK(config.warnings == Lines{"--auth-file " + file.path() +
                                 ": every user of this host can read the hashes in it: chmod o-r, "
                                 "and chgrp to the group of culvert"});
}

TEST_CASE("an auth file whose users can be told apart by time is warned of") {
  const TemporaryFile file(
      "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n"
      "bob:$5$rounds=9000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n");
  const Config config = config_of({"--auth-file", file.path()});
  CHECK(config.users != nullptr);
  CHECK(config.warnings ==
        Lines{"--auth-file " + file.path() +
              ": some hashes in it take more than four times as long to check as others, and how "
              "long an answer takes tells such users apart: make them all of one kind and cost"});
}

TEST_CASE("all that is wrong with an auth file is told at once") {
  const TemporaryFile file("alice:hunter2\nbob\n");
  CHECK(
      problems_of({"--auth-file", file.path()}) ==
      Lines{"--auth-file " + file.path() +
                ": line 1: user alice: plain text, or an unknown kind of hash, is not taken; "
                "make the line anew with htpasswd -B, or its hash with openssl passwd -6",
            "--auth-file " + file.path() + ": line 2: there is no ':' between a user and a hash"});
  CHECK(problems_of({"--auth-file", "/nowhere/users"}) ==
        Lines{"--auth-file /nowhere/users: No such file or directory"});
}

TEST_CASE("a problem with a listener's options names the listener, and repeats no password") {
  const Lines found = problems_of({"--listen", "127.0.0.1:3128?proxy-protocol=maybe"});
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0],
             Catch::Matchers::StartsWith("--listen 127.0.0.1:3128?proxy-protocol=maybe: "));
  CHECK(problems_of({"--listen", "https://[::1]:3128?"})
            .at(0)
            .starts_with("--listen https://[::1]:3128?: "));
  for (const char* const value :
       {"http://me:hunter2@127.0.0.1:1?x=1", "http://me:hun?ter2@h:1", "127.0.0.1:hunter2?x=1",
        "3128?x=me:hunter2", "me:hunter2@h", "https://me:hunter2/x@[::1]",
        "me:hun/ter2?x@127.0.0.1:1", "me:hun,ter2@127.0.0.1"}) {
    for (const std::string& line : problems_of({"--listen", value})) {
      INFO(line);
      CHECK(line.find("hunter2") == std::string::npos);
      CHECK(line.find("ter2") == std::string::npos);
    }
  }
}

TEST_CASE("problems between listeners name each by its scheme") {
  const TemporaryFile pem("");
  const std::string tls = "?cert=" + pem.path();
  CHECK(problems_of({"--listen", "https://0.0.0.0:1" + tls})
            .at(0)
            .starts_with("--listen https://0.0.0.0:1: "));
  CHECK_THAT(
      problems_of({"--listen", "127.0.0.1:1", "--listen", "https://127.0.0.1:1" + tls}).at(0),
      Catch::Matchers::EndsWith(": https://127.0.0.1:1 is listened on twice"));
}

TEST_CASE("a limit that counts nobody is warned of") {
  const TemporaryFile users(
      "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n");
  const TemporaryFile pem("");
  const auto warnings = [](std::vector<std::string> line, const char* flag, const char* value) {
    line.insert(line.end(), {flag, value});
    return config_of(line).warnings;
  };
  for (const char* const flag : {"--max-connections-per-user", "--bandwidth-per-user"}) {
    CHECK(warnings({}, flag, "2000") ==
          Lines{std::string(flag) + ": no effect, as clients have no user: that takes --auth-file "
                                    "or a client-ca= at --listen"});
    CHECK(warnings({}, flag, "off") == Lines{});
    CHECK(warnings({"--auth-file", users.path()}, flag, "2000") == Lines{});
    const std::string tls = "https://127.0.0.1:1?cert=" + pem.path() + "&client-ca=" + pem.path();
    CHECK(warnings({"--listen", tls}, flag, "2000") == Lines{});
  }
  for (const char* const flag :
       {"--max-connections-per-client", "--max-requests-per-second", "--bandwidth-per-client"}) {
    CHECK(warnings({}, flag, "2000") == Lines{});
    CHECK(warnings({"--listen", "unix:/a"}, flag, "2000") ==
          Lines{std::string(flag) + ": no effect, as clients of a unix socket have no address, and "
                                    "there is no other --listen"});
    CHECK(warnings({"--listen", "unix:/a?proxy-protocol=on"}, flag, "2000") == Lines{});
    CHECK(warnings({"--listen", "unix:/a", "--listen", "127.0.0.1:1"}, flag, "2000") == Lines{});
    CHECK(warnings({"--listen", "systemd"}, flag, "2000") == Lines{});
  }
}

TEST_CASE("an admin interface") {
  CHECK(config_of({}).admin.empty());
  CHECK_FALSE(config_of({}).admin_actions);
  const Config config = config_of(
      {"--admin", "127.0.0.1:9128", "--admin", "unix:/run/a?mode=0660", "--admin-actions"});
  REQUIRE(config.admin.size() == 2);
  CHECK(config.admin[0].to_string() == "http://127.0.0.1:9128");
  CHECK(config.admin[1].path == "/run/a");
  CHECK(config.admin[1].mode == 0660);
  CHECK(config.admin_actions);
  CHECK(config.listen[0].to_string() == "http://127.0.0.1:3128");
  CHECK(config_of({}, {{"CULVERT_ADMIN", "127.0.0.1:9128"}}).admin.size() == 1);
  CHECK(config_of({"--admin", "127.0.0.1:0", "--admin", "127.0.0.1:0"}).admin.size() == 2);
  CHECK(problems_of({"--admin", "nonsense://a"}).size() == 1);
}

TEST_CASE("an admin interface that others can reach is protected") {
  for (const char* address : {"0.0.0.0:9128", "192.0.2.1:9128", "[::]:9128", ":9128"}) {
    CAPTURE(address);
    const Lines lines = problems_of({"--admin", address, "--open-proxy"});
    REQUIRE_FALSE(lines.empty());
    CHECK_THAT(lines[0],
               Contains("--admin http://") && Contains("others than this host can reach it"));
    CHECK(problems_of({"--admin", address, "--admin-actions"}) ==
          problems_of({"--admin", address}));
    CHECK_FALSE(config_of({"--admin", address, "--allow-client", "10.0.0.0/8"}).admin.empty());
  }
  CHECK(config_of({"--admin", "127.0.0.1:9128"}).admin.size() == 1);
  CHECK(config_of({"--admin", "[::1]:9128"}).admin.size() == 1);
  CHECK(config_of({"--admin", "unix:/a?mode=0666"}).admin.size() == 1);
}

TEST_CASE("an admin interface has an address of its own") {
  const Lines taken{
      "--admin 127.0.0.1:1: proxy clients connect there; give it an address or port of its "
      "own"};
  CHECK(problems_of({"--listen", "127.0.0.1:1", "--admin", "127.0.0.1:1"}) == taken);
  CHECK(problems_of({"--admin", "127.0.0.1:1", "--listen", "127.0.0.1:1"}) == taken);
  CHECK(problems_of({"--listen", "0.0.0.0:1", "--open-proxy", "--admin", "127.0.0.1:1"}) == taken);
  CHECK(problems_of({"--admin", "127.0.0.1:3128"}).size() == 1);
  CHECK(problems_of({"--listen", "unix:/a", "--admin", "unix:/a"}).size() == 1);
  CHECK(problems_of({"--admin", "127.0.0.1:1", "--admin", "127.0.0.1:1"}) ==
        Lines{"--admin 127.0.0.1:1: http://127.0.0.1:1 is listened on twice"});
  CHECK(problems_of({"--admin", "unix:/a", "--admin", "unix:/a"}).size() == 1);
}

TEST_CASE("an admin interface for metrics alone is protected as well") {
  CHECK(config_of({"--admin", "127.0.0.1:1?metrics-only=on"}).admin[0].metrics_only);
  CHECK_THAT(problems_of({"--admin", "0.0.0.0:1?metrics-only=on"})[0],
             Contains("others than this host can reach it"));
  CHECK(problems_of({"--listen", "127.0.0.1:1?metrics-only=on"}) ==
        Lines{"--listen 127.0.0.1:1?metrics-only=on: metrics-only is an option of --admin"});
}

TEST_CASE("what an admin interface cannot be") {
  CHECK(problems_of({"--admin", "systemd"}) ==
        Lines{"--admin systemd: write an address and port, or unix:/path"});
  CHECK_THAT(problems_of({"--admin", "systemd:web"})[0], Contains("write an address and port"));
  CHECK_THAT(problems_of({"--admin", "127.0.0.1:1?proxy-protocol=on"})[0],
             Contains("proxy-protocol has no meaning here"));
}

namespace {

/// "tunnel-1 = socks5://127.0.0.1:{port}", and which tunnel's port it is.
std::vector<std::pair<std::string, std::size_t>> upstreams_of(
    const std::vector<std::string>& arguments) {
  std::vector<std::pair<std::string, std::size_t>> out;
  for (const UpstreamConfig& one : config_of(arguments).upstreams) {
    out.emplace_back(one.name + " = " + one.label, one.tunnel);
  }
  return out;
}

constexpr const char* kSsh = "ssh -N -D 127.0.0.1:{port} hush";
constexpr const char* kSample = "'ssh -N -D 127.0.0.1:{port} user@host'";

}  // namespace

TEST_CASE("a tunnel command with a port is an upstream by itself, the first") {
  using List = std::vector<std::pair<std::string, std::size_t>>;
  CHECK(upstreams_of({"--tunnel-command", kSsh}) ==
        List{{"tunnel = socks5://127.0.0.1:{port}", 1}});
  CHECK(upstreams_of({"--tunnel-command", kSsh, "--tunnels", "2", "--upstream", "b=http://h"}) ==
        List{{"tunnel-1 = socks5://127.0.0.1:{port}", 1},
             {"tunnel-2 = socks5://127.0.0.1:{port}", 2},
             {"b = http://h:3128", 0}});
  const Config config = config_of({"--tunnel-command", kSsh, "--tunnels", "3"});
  CHECK(config.upstream_given);
  CHECK(config.upstream_count == 3);
  CHECK(config.upstream_origin == "--tunnel-command");
  CHECK(config.upstreams[2].group == "tunnel");
  CHECK(config.default_route == std::vector<std::size_t>{0, 1, 2});
  CHECK(config.warnings.empty());
  CHECK(upstreams_of({"--tunnel-command", "ssh -D 1080 hush"}) == List{{"direct = direct://", 0}});
}

TEST_CASE("an upstream at the port of a tunnel is as many as there are tunnels") {
  using List = std::vector<std::pair<std::string, std::size_t>>;
  const std::vector<std::string> given = {
      "--tunnel-command", kSsh,
      "--upstream",       "b=http://h",
      "--upstream",       "lane=socks5://me:secret@localhost:{port}?warm=2&via=b",
      "--upstream",       "http://[::1]:{port}"};
  CHECK(upstreams_of(given) == List{{"b = http://h:3128", 0},
                                    {"lane = socks5://localhost:{port}", 1},
                                    {"tunnel = http://[::1]:{port}", 1}});
  std::vector<std::string> several = given;
  several.insert(several.end(), {"--tunnels", "2"});
  const Config config = config_of(several);
  CHECK(upstreams_of(several) == List{{"b = http://h:3128", 0},
                                      {"lane-1 = socks5://localhost:{port}", 1},
                                      {"lane-2 = socks5://localhost:{port}", 2},
                                      {"tunnel-1 = http://[::1]:{port}", 1},
                                      {"tunnel-2 = http://[::1]:{port}", 2}});
  for (const std::size_t index : {1U, 2U}) {
    const UpstreamConfig& lane = config.upstreams[index];
    CHECK(lane.warm == 2);
    CHECK(lane.via_index == 0);
    CHECK(lane.group == "lane");
    CHECK(lane.address.port == 0);
    CHECK(lane.credentials->password.reveal() == "secret");
  }
  // One of them may be a hop.
  CHECK(config_of(
            {"--tunnel-command", kSsh, "--tunnels", "2", "--upstream", "b=http://h?via=tunnel-2"})
            .upstreams[2]
            .via_index == 1);
}

TEST_CASE("what is wrong with tunnels is told without their command") {
  const std::string sample = kSample;
  CHECK(problems_of({"--tunnels", "2"}) ==
        Lines{"--tunnels 2: there is no --tunnel-command to run; give one, as in " + sample});
  CHECK(problems_of({"--tunnels", "2", "--tunnel-command", "ssh -D ${port} hush"}) ==
        Lines{"--tunnels 2: each of them needs a port of its own: write {port} in "
              "--tunnel-command in its place, as in " +
              sample});
  CHECK(config_of({"--tunnels", "1", "--tunnel-command", "ssh -D 1080 hush"}).tunnels == 1);
  for (const char* const number : {"0", "17", "x", "-1"}) {
    INFO(number);
    CHECK(problems_of({"--tunnels", number, "--tunnel-command", kSsh}).size() == 1);
  }
  const Lines no_mark{
      "--upstream socks5://127.0.0.1:{port}: {port} is the port of a tunnel: write it in "
      "--tunnel-command, too, as in " +
      sample};
  CHECK(problems_of({"--upstream", "a=socks5://127.0.0.1:{port}"}) == no_mark);
  CHECK(problems_of({"--upstream", "a=socks5://127.0.0.1:{port}", "--tunnel-command",
                     "ssh -D 1080 hush"}) == no_mark);
  CHECK(problems_of({"--upstream", "a=socks5://h:{port}", "--tunnel-command", kSsh}) ==
        Lines{"--upstream a=socks5://h:{port}: {port} is a port of this host: write "
              "127.0.0.1:{port}"});
  // A part of a port is none.
  CHECK(problems_of({"--upstream", "socks5://127.0.0.1:{port}0", "--tunnel-command", kSsh}) ==
        Lines{"--upstream socks5://127.0.0.1:***: the port is not a number from 1 to 65535"});
}

TEST_CASE("the names of tunnels' upstreams are their own") {
  for (const char* const name : {"tunnel", "tunnel-2"}) {
    INFO(name);
    const std::string other = std::string(name) + "=http://h";
    const Lines problems =
        problems_of({"--tunnel-command", kSsh, "--tunnels", "2", "--upstream", other});
    REQUIRE(problems.size() == 1);
    CHECK_THAT(problems[0], Contains("there are two upstreams of the name '" + std::string(name)));
  }
  CHECK(problems_of({"--tunnel-command", kSsh, "--tunnels", "2", "--upstream",
                     "a=socks5://127.0.0.1:{port}", "--upstream", "a=http://h"})
            .size() == 1);
}

TEST_CASE("tunnels are read from a file and from a variable") {
  const TemporaryFile file("tunnel-command = 'ssh -D {port} hush'\ntunnels = 4\n");
  CHECK(config_of({"--config", file.path()}).upstreams.size() == 4);
  CHECK(config_of({"--config", file.path()}, {{"CULVERT_TUNNELS", "3"}}).upstreams.size() == 3);
}
