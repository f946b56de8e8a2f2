#include "options/command_line.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "support/catch.h"
#include "unit/options/parsed_line.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace culvert::test;
using std::chrono::milliseconds;

namespace {

std::string text_of(const std::vector<std::string>& arguments) {
  CommandLine read = parse_command_line(arguments);
  REQUIRE(std::holds_alternative<Usage>(read));
  return std::get<Usage>(std::move(read)).text;
}

}  // namespace

TEST_CASE("the defaults") {
  const Config config = config_of({});
  REQUIRE(config.listen.size() == 2);
  CHECK(config.listen[0].to_string() == "http://127.0.0.1:3128");
  CHECK(config.listen[1].to_string() == "http://[::1]:3128");
  CHECK(config.listen[1].optional);
  REQUIRE(config.upstreams.size() == 1);
  CHECK(config.upstreams[0].kind == UpstreamConfig::Kind::direct);
  CHECK(config.upstreams[0].label == "direct://");
  CHECK_FALSE(config.upstream_given);
  CHECK(config.threads >= 1);
  CHECK(config.allow_clients.empty());
  CHECK_FALSE(config.open_proxy);
  CHECK(config.header_timeout == milliseconds(10'000));
  CHECK(config.connect_timeout == milliseconds(12'000));
  CHECK(config.idle_timeout == milliseconds(0));
  CHECK(config.half_open_timeout == milliseconds(300'000));
  CHECK(config.stall_after == milliseconds(30'000));
  CHECK(config.response_timeout == milliseconds(300'000));
  CHECK(config.keep_alive_timeout == milliseconds(60'000));
  CHECK(config.drain_timeout == milliseconds(30'000));
  CHECK(config.max_connections == 4096);
  CHECK(config.log_level == Log::Level::info);
  CHECK(config.log_format == Log::Format::text);
  CHECK(config.access_log == "-");
}

TEST_CASE("every flag") {
  const Config config = config_of({"serve",
                                   "--listen",
                                   "127.0.0.1:1",
                                   "--listen=unix:/tmp/c.sock",
                                   "--listen",
                                   "0.0.0.0:2",
                                   "--upstream",
                                   "a=socks5://h",
                                   "--upstream=b=direct",
                                   "--threads",
                                   "3",
                                   "--allow-client",
                                   "10.0.0.0/8,192.0.2.1",
                                   "--allow-client",
                                   "2001:db8::/32",
                                   "--header-timeout",
                                   "1s",
                                   "--connect-timeout",
                                   "2s",
                                   "--idle-timeout",
                                   "3h",
                                   "--half-open-timeout",
                                   "off",
                                   "--drain-timeout",
                                   "0",
                                   "--max-connections",
                                   "5",
                                   "--log-level",
                                   "DEBUG",
                                   "--log-format",
                                   "json",
                                   "--access-log",
                                   "/tmp/culvert-test-access.log"});
  REQUIRE(config.listen.size() == 3);
  CHECK(config.listen[1].to_string() == "unix:/tmp/c.sock");
  REQUIRE(config.upstreams.size() == 2);
  CHECK(config.upstreams[0].name == "a");
  CHECK(config.upstreams[1].name == "b");
  CHECK(config.upstream_given);
  CHECK(config.threads == 3);
  REQUIRE(config.allow_clients.size() == 3);
  CHECK(config.allow_clients[2].to_string() == "2001:db8::/32");
  CHECK(config.header_timeout == milliseconds(1000));
  CHECK(config.connect_timeout == milliseconds(2000));
  CHECK(config.idle_timeout == milliseconds(10'800'000));
  CHECK(config.half_open_timeout == milliseconds(0));
  CHECK(config.drain_timeout == milliseconds(0));
  CHECK(config.max_connections == 5);
  CHECK(config.log_level == Log::Level::debug);
  CHECK(config.log_format == Log::Format::json);
  CHECK(config.access_log == "/tmp/culvert-test-access.log");
  CHECK(config_of({"--access-log", "-"}).access_log == "-");
  CHECK(config_of({"--access-log=off"}).access_log == "off");
  CHECK(config_of({"--listen", ":3128", "--open-proxy"}).open_proxy);
  CHECK_FALSE(config_of({"--open-proxy=false"}).open_proxy);
}

TEST_CASE("all problems at once, each with its flag") {
  const Lines lines = problems_of({"--upsteram",
                                   "socks5://a",
                                   "--bogus=1",
                                   "--upstream",
                                   "socks9://x",
                                   "--listen",
                                   "--threads",
                                   "0",
                                   "--log-level",
                                   "loud",
                                   "stray",
                                   "--max-connections",
                                   "many",
                                   "--idle-timeout",
                                   "1ms",
                                   "--connect-timeout",
                                   "56",
                                   "--allow-client",
                                   "10.0.0.1/8,x",
                                   "--access-log",
                                   "/nonexistent/x",
                                   "--header-timeout"});
  const Lines expected = {
      "--upsteram: unknown flag (did you mean --upstream?)",
      "--bogus: unknown flag",
      "stray: unexpected argument",
      "--listen: needs a value, ADDR:PORT",
      "--header-timeout: needs a value, TIME",
      "--upstream socks9://x: unknown scheme 'socks9' (socks5, socks4a, http, https, direct)",
      "--threads 0: not between 1 and 256",
      "--allow-client 10.0.0.1/8: not an address or block such as 10.0.0.0/8 (bits behind the "
      "prefix are zero)",
      "--allow-client x: not an address or block such as 10.0.0.0/8 (bits behind the prefix are "
      "zero)",
      "--connect-timeout 56: not between 100ms and 55s",
      "--idle-timeout 1ms: not between 1s and 168h (or off)",
      "--max-connections many: not a number",
      "--log-level loud: not one of debug, info, warning, error",
      "--access-log /nonexistent/x: cannot be created: No such file or directory",
  };
  CHECK(lines == expected);
}

TEST_CASE("unknown flags") {
  CHECK(problems_of({"--lisen", "127.0.0.1:1"}) ==
        Lines{"--lisen: unknown flag (did you mean --listen?)"});
  CHECK(problems_of({"--helpp"}) == Lines{"--helpp: unknown flag (did you mean --help?)"});
  CHECK(problems_of({"-x", "-listen", "a"}) ==
        Lines{"-x: unknown flag", "-listen: unknown flag (did you mean --listen?)"});
  CHECK(problems_of({"--qwertyuiop=secret"}) == Lines{"--qwertyuiop: unknown flag"});
  CHECK(problems_of({"--socks5://u:secret@h"}) == Lines{"--socks5://***@h: unknown flag"});
}

TEST_CASE("values that are missing or one too many") {
  CHECK(problems_of({"--upstream", "--open-proxy"}) ==
        Lines{"--upstream: needs a value, [NAME=]URL"});
  CHECK(problems_of({"--upstream="}) == Lines{"--upstream: needs a value, [NAME=]URL"});
  CHECK(problems_of({"--upstream", ""}) == Lines{"--upstream: needs a value, [NAME=]URL"});
  CHECK(problems_of({"--threads", "1", "--threads", "2"}) ==
        Lines{"--threads: given 2 times, takes one"});
  CHECK(problems_of({"--upstream", "direct", "socks5://u:secret@h"}) ==
        Lines{"socks5://***@h: unexpected argument"});
  CHECK(problems_of({"--open-proxy=perhaps"}) ==
        Lines{"--open-proxy perhaps: either true or false"});
}

TEST_CASE("commands") {
  CHECK(problems_of({"staus"}) == Lines{"staus: unknown command (did you mean status?)"});
  CHECK(problems_of({"status", "--onec"}) == Lines{"--onec: unknown flag (did you mean --once?)"});
  CHECK(problems_of({"sevre"}) == Lines{"sevre: unknown command (did you mean serve?)"});
  CHECK(problems_of({"chekc", "nginx"}) == Lines{"chekc: unknown command (did you mean check?)"});
  CHECK(problems_of({"help"}) == Lines{"help: unknown command (did you mean --help?)"});
  CHECK(problems_of({"curl", "-s"}) ==
        Lines{"curl: unknown command (serve is the default; see culvert --help)"});
  CHECK(problems_of({"--hold", "1s", "check"}) ==
        Lines{"check: unexpected argument; a command stands before all options"});
  CHECK(problems_of({"setup", "docker", "--instal"}) ==
        Lines{"--instal: unknown flag (did you mean --install?)"});
  CHECK(problems_of({"check", "--jsno", "nginx"}) ==
        Lines{"--jsno: unknown flag (did you mean --json?)"});
  CHECK(problems_of({"--jsno"}) == Lines{"--jsno: unknown flag"});
  CHECK(problems_of({"socks5://u:secret@h:1080"}) ==
        Lines{"socks5://***@h:1080: write --upstream before the URL of a proxy"});
  CHECK(config_of({"serve", "--threads", "2"}).threads == 2);
}

TEST_CASE("run has its own defaults") {
  const RunOptions options =
      options_of<RunOptions>({"run", "--upstream", "socks5://h", "--", "ls", "--all"});
  CHECK(options.command == Lines{"ls", "--all"});
  CHECK(options.config.upstreams.at(0).label == "socks5://h:1080");
  REQUIRE(options.config.listen.size() == 1);
  CHECK(options.config.listen[0].to_string() == "http://127.0.0.1:0");
  CHECK(options.config.log_level == Log::Level::warning);
  CHECK(options.config.access_log == "off");

  const RunOptions given = options_of<RunOptions>(
      {"run", "--listen", "127.0.0.1:8", "--listen", "[::1]:8", "--access-log", "-", "ls"},
      {{"CULVERT_LOG_LEVEL", "info"}});
  CHECK(given.config.listen.size() == 2);
  CHECK(given.config.log_level == Log::Level::info);
  CHECK(given.config.access_log == "-");

  CHECK(problems_of({"run", "--threads", "0"}) ==
        Lines{"run: the command is missing, as in culvert run -- curl https://gcr.io/",
              "--threads 0: not between 1 and 256"});
}

TEST_CASE("run leaves the address and the log of a service alone") {
  const TemporaryFile file(
      "listen = '0.0.0.0:7'\nallow-client = '10.0.0.0/8'\naccess-log = '-'\nhold = '7s'\n");
  const Environment variables = {{"CULVERT_LISTEN", "unix:/run/culvert.sock"},
                                 {"CULVERT_ACCESS_LOG", "/var/log/culvert.log"}};
  for (const Environment& environment : {Environment(), variables}) {
    const Config config =
        options_of<RunOptions>({"run", "--config", file.path(), "ls"}, environment).config;
    REQUIRE(config.listen.size() == 1);
    CHECK(config.listen[0].to_string() == "http://127.0.0.1:0");
    CHECK(config.access_log == "off");
    CHECK(config.hold == std::chrono::seconds(7));
    CHECK(config.warnings.empty());
  }
}

TEST_CASE("the program of run does not sign in") {
  CHECK(options_of<RunOptions>({"run", "ls"}, {{"CULVERT_AUTH_FILE", "/nowhere/users"}})
            .config.users == nullptr);
  CHECK(problems_of({"run", "--auth-file", "/nowhere/users", "ls"}) ==
        Lines{"--auth-file: the program of run gets a proxy of its own, without a sign-in; leave "
              "it out"});
}

TEST_CASE("check with targets, and without") {
  const CheckOptions options =
      options_of<CheckOptions>({"check", "nginx", "--json", "--route", "gcr.io=direct", "gcr.io"},
                               {{"CULVERT_UPSTREAM", "socks5://h"}, {"CULVERT_TREADS", "1"}});
  CHECK(options.targets == Lines{"nginx", "gcr.io"});
  CHECK(options.json);
  CHECK(options.config.upstreams.at(0).label == "socks5://h:1080");
  CHECK(options.config.warnings.size() == 1);
  CHECK(options_of<CheckOptions>({"check"}).targets.empty());
  CHECK(problems_of({"check", "--pid", "x", "--threads", "0"}) ==
        Lines{"--threads 0: not between 1 and 256", "--pid x: not a number"});
}

TEST_CASE("status reads nothing but its arguments, and takes no option of the proxy") {
  const StatusOptions options =
      options_of<StatusOptions>({"status", "--admin", "127.0.0.1:9", "--sort=id"},
                                {{"CULVERT_THREADS", "0"}, {"CULVERT_ADMIN", "x"}});
  CHECK(options.admin->shown() == "http://127.0.0.1:9");
  CHECK(options.sort == "id");
  CHECK(problems_of({"status", "--upstream", "direct", "x"}) ==
        Lines{"x: unexpected argument", "--upstream: an option of the proxy, status takes none"});
}

TEST_CASE("setup reads nothing but its arguments") {
  const SetupOptions options =
      options_of<SetupOptions>({"setup", "systemd", "--upstream", "socks5://h"},
                               {{"CULVERT_THREADS", "0"}, {"CULVERT_UPSTREAM", "x"}});
  CHECK(options.targets == Lines{"systemd"});
  REQUIRE(options.service.size() == 1);
  CHECK(
      problems_of({"setup", "systemd", "--upstream", "socks9://h", "--listen", "0.0.0.0:1",
                   "--threads", "0", "--install", "--check"}) ==
      Lines{"--install, --check: contradict each other; give one of them",
            "--upstream socks9://h: unknown scheme 'socks9' (socks5, socks4a, http, https, direct)",
            "--threads 0: not between 1 and 256",
            "--listen http://0.0.0.0:1: others than this host can reach it; say who may use it "
            "with --allow-client CIDR,..., --auth-file FILE or "
            "https://ADDRESS:PORT?cert=FILE&client-ca=FILE, or let everybody with --open-proxy"});
}

TEST_CASE("commands that print") {
  CHECK(text_of({"man"}).starts_with(".TH CULVERT 1 "));
  CHECK(text_of({"man", "culvert.toml"}).starts_with(".TH CULVERT.TOML 5 "));
  CHECK(problems_of({"man", "serve"}) ==
        Lines{"man serve: no such page; there is culvert.toml, and one without a name"});
  CHECK(text_of({"completion", "bash"}).starts_with("# bash completion for culvert\n"));
  CHECK(text_of({"completion", "zsh"}).starts_with("#compdef culvert\n"));
  CHECK(text_of({"completion", "fish"}).starts_with("# fish completion for culvert\n"));
  CHECK(problems_of({"completion"}) == Lines{"completion: name a shell, one of bash, zsh, fish"});
  CHECK(problems_of({"completion", "tcsh"}) ==
        Lines{"completion tcsh: name a shell, one of bash, zsh, fish"});
  CHECK(problems_of({"completion", "bahs"}) ==
        Lines{"completion bahs: no such shell (did you mean bash?)"});
  CHECK(problems_of({"completion", "bash", "x"}) == Lines{"x: unexpected argument"});
  CHECK(problems_of({"man", "--threads", "3"}) == Lines{"man: takes no options"});
  CHECK(problems_of({"man", "--bogus"}) == Lines{"--bogus: unknown flag"});
  // Variables are of no interest to them.
  CHECK(std::holds_alternative<Usage>(parse_command_line({"man"}, {{"CULVERT_THREADS", "0"}})));
}

TEST_CASE("help and version win over problems") {
  const std::string help = text_of({"--bogus", "--help"});
  CHECK(help == text_of({"-h"}));
  CHECK(help == text_of({"nonsense", "--help"}));
  CHECK(text_of({"run", "--help"}).starts_with("Usage: culvert run "));
  CHECK(text_of({"serve", "--threads", "0", "-h"}).starts_with("Usage: culvert [serve] "));
  CHECK(text_of({"check", "nginx", "--help"}).starts_with("Usage: culvert check "));
  for (const char* const part : {"Usage: culvert [serve] [options]", "--listen ADDR:PORT",
                                 "--upstream [NAME=]URL", "default: 12s", "Examples"}) {
    INFO(part);
    CHECK(help.find(part) != std::string::npos);
  }
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    REQUIRE(end != std::string::npos);
    longest = std::max(longest, end - begin);
    begin = end + 1;
  }
  CHECK(longest <= 100);
  const CommandLine version = parse_command_line({"check", "--version"});
  REQUIRE(std::holds_alternative<Usage>(version));
  CHECK(std::get<Usage>(version).text.starts_with("culvert "));
  CHECK(std::get<Usage>(version).then_libraries);
}

TEST_CASE("flags win over variables, variables over the file") {
  const TemporaryFile file(
      "threads = 4\nconnect-timeout = '4s'\nidle-timeout = '4h'\n"
      "upstream = ['f=socks5://file']\n");
  const Environment environment = {{"CULVERT_CONFIG", file.path()},
                                   {"CULVERT_CONNECT_TIMEOUT", "3s"},
                                   {"CULVERT_IDLE_TIMEOUT", "3h"},
                                   {"CULVERT_UPSTREAM", "x=socks5://one y=socks5://two"}};
  const Config config = config_of({"--idle-timeout", "2h"}, environment);
  CHECK(config.threads == 4);
  CHECK(config.connect_timeout == milliseconds(3000));
  CHECK(config.idle_timeout == std::chrono::hours(2));
  REQUIRE(config.upstreams.size() == 2);  // one place's list replaces another's
  CHECK(config.upstreams[1].name == "y");

  CHECK(config_of({"--config", file.path()}).upstreams.at(0).name == "f");
  // A flag's file replaces the variable's.
  CHECK(problems_of({"--config", "/nonexistent"}, environment) ==
        Lines{"--config /nonexistent: No such file or directory"});
}

TEST_CASE("problems name the variable or the line of the file") {
  const TemporaryFile file("threads = 0\nupstream = [\n 'direct',\n 'socks9://x',\n]\nbogus = 1\n");
  CHECK(problems_of({"--config", file.path(), "--listen", "x"},
                    {{"CULVERT_LOG_LEVEL", "loud"}, {"CULVERT_ROUTE", "a=socks9://x"}}) ==
        Lines{
            file.path() + ":6: bogus: unknown flag",
            "--listen x: this is no ADDRESS:PORT, PORT, unix:/path or systemd",
            file.path() +
                ":4: upstream socks9://x: unknown scheme 'socks9' (socks5, socks4a, http, "
                "https, direct)",
            file.path() + ":1: threads 0: not between 1 and 256",
            "CULVERT_LOG_LEVEL loud: not one of debug, info, warning, error",
        });
  const TemporaryFile open("listen = '0.0.0.0:3128'");
  CHECK(problems_of({"--config", open.path()})
            .at(0)
            .starts_with(open.path() + ":1: listen http://0.0.0.0:3128: others than this host"));
}

TEST_CASE("warnings are kept") {
  const Config config = config_of({"--no-proxy", "a b"}, {{"CULVERT_TREADS", "1"}});
  REQUIRE(config.warnings.size() == 2);
  CHECK(config.warnings[0] == "CULVERT_TREADS: no such variable (did you mean CULVERT_THREADS?)");
}

TEST_CASE("arguments with one dash are no flags, whatever they begin with") {
  CHECK(problems_of({"-hold", "5s", "-hedge=3", "-header-timeout", "1s", "--threads", "0"}) ==
        Lines{"-hold: unknown flag (did you mean --hold?)",
              "-hedge: unknown flag (did you mean --hedge?)",
              "-header-timeout: unknown flag (did you mean --header-timeout?)",
              "--threads 0: not between 1 and 256"});
  CHECK(problems_of({"-hold=5s"}) == Lines{"-hold: unknown flag (did you mean --hold?)"});
  CHECK(problems_of({"-half-open-timeout", "off"}).size() == 1);
  CHECK(problems_of({"-help"}) == Lines{"-help: unknown flag (did you mean --help?)"});
  CHECK(options_of<RunOptions>({"run", "--", "ls", "-h"}).command == Lines{"ls", "-h"});
  CHECK(text_of({"--threads", "0", "-h"}) == text_of({"--help"}));
}

TEST_CASE("one broken upstream does not hide the mistakes around it") {
  CHECK(problems_of({"--upstream", "q=socks9://x", "--upstream", "a=socks5://k?via=nope",
                     "--upstream", "b=socks5://l?via=q", "--route", "x=q", "--route", "y=none"}) ==
        Lines{"--upstream q=socks9://x: unknown scheme 'socks9' (socks5, socks4a, http, https, "
              "direct)",
              "--upstream a: via=nope: no such upstream (a, b)",
              "--route y=none: no upstream is named 'none' (a, b, direct, deny)"});
  // Those without mistakes go along, so that their certificates can be looked at as well.
  const CommandLine read = parse_command_line({"--threads=0", "--upstream", "p=https://h"});
  REQUIRE(std::holds_alternative<Problems>(read));
  CHECK(std::get<Problems>(read).upstreams.at(0).name == "p");
}

TEST_CASE("run has the admin interface of its own line only") {
  const Environment environment{{"CULVERT_ADMIN", "127.0.0.1:9128"}};
  CHECK(config_of({}, environment).admin.size() == 1);
  CHECK(options_of<RunOptions>({"run", "ls"}, environment).config.admin.empty());
  const auto typed =
      options_of<RunOptions>({"run", "--admin", "127.0.0.1:9129", "ls"}, environment).config.admin;
  REQUIRE(typed.size() == 1);
  CHECK(typed[0].address.port == 9129);
  // Not even a wrong one is in its way.
  CHECK(
      options_of<RunOptions>({"run", "ls"}, {{"CULVERT_ADMIN", "0.0.0.0:1"}}).config.admin.empty());
}
