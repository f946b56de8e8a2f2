#include "commands/config_text.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/text.h"
#include "options/command_line.h"
#include "options/flags.h"
#include "options/help.h"
#include "support/catch.h"
#include "unit/options/parsed_line.h"
#include "unit/options/temporary_file.h"

namespace culvert {
namespace {

using Arguments = std::vector<std::string>;
using Catch::Matchers::Contains;

std::string printed(Arguments arguments, const Environment& environment = {}) {
  arguments.emplace_back("--print-config");
  const auto question = test::options_of<ConfigQuestion>(arguments, environment);
  CHECK(question.print);
  return config_text(question.settings, question.config);
}

/// Without the comments behind values, and as one set them in the first place.
std::string without_origins(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    std::string line = text.substr(at, end - at);
    const std::size_t comment = line.find("  # ");
    if (comment != std::string::npos) line.resize(comment);
    out += line + "\n";
    at = end + 1;
  }
  return out;
}

/// A value that the flag takes and that is not its default.
std::string other_value(const Flag& flag, const std::string& users) {
  struct Sample {
    std::string_view flag;
    std::string_view value;
  };
  // Those whose values have rules of their own.
  for (const Sample& sample : std::initializer_list<Sample>{
           {"listen", "127.0.0.1:4000"},
           {"admin", "127.0.0.1:9128"},
           {"allow-client", "10.0.0.0/8,192.0.2.1"},
           {"auth-file", users},
           {"load-balancer", "10.0.0.0/8"},
           {"trace-target", "gcr.io:443"},
           {"upstream", "a=socks5://h:1?connect-timeout=5s&resolve=local"},
           {"route", ".x.example,10.0.0.0/8:443=direct"},
           {"no-proxy", "\"quoted\",.example"},
           {"config", "/dev/null"},
           {"probe", "gcr.io:443"},
           {"probe-tls", "gcr.io:443"},
       }) {
    if (sample.flag == flag.name) return std::string(sample.value);
  }
  if (flag.placeholder.empty()) return "true";
  if (flag.placeholder == "RATE") return "20M";
  const std::string before = show_flag_value(flag.value, Config());
  for (const std::string_view word : keywords(flag.value)) {
    if (word != before) return std::string(word);
  }
  if (const auto limits = show_limits(flag.value)) {
    return limits->least == before ? limits->most : limits->least;
  }
  return "/dev/null";
}

TEST_CASE("every option is printed, and where it came from") {
  const std::string text = printed({});
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    const std::string name(flag.name);
    CHECK_THAT(text, Contains("\n#" + name + " = ") || Contains("\n#" + name + " is not set\n"));
    CHECK_THAT(text, Contains("\n# " + std::string(flag.group) + "\n"));
  }
  CHECK_THAT(text, Contains("\n#connect-timeout = \"12s\"  # default\n"));
  CHECK_THAT(text, Contains("\n#max-connections = 4096  # default\n"));
  CHECK_THAT(text, Contains("\n#open-proxy = false  # default\n"));
  CHECK_THAT(
      text,
      Contains("\n#listen = [\"http://127.0.0.1:3128\", \"http://[::1]:3128\"]  # default\n"));
  CHECK_THAT(text, Contains("\n#upstream = [\"direct\"]  # default\n"));
  CHECK_THAT(text, Contains("\n#threads = "));

  const TemporaryFile file("upstream = [\n 'a=socks5://h:1',\n 'direct',\n]\n");
  const std::string mixed = printed({"--config", file.path(), "--listen", "127.0.0.1:1"},
                                    {{"CULVERT_CONNECT_TIMEOUT", "5000ms"}});
  CHECK_THAT(mixed, Contains("\nlisten = [\n  \"127.0.0.1:1\",  # --listen\n]\n"));
  CHECK_THAT(mixed, Contains("\nconnect-timeout = \"5s\"  # CULVERT_CONNECT_TIMEOUT\n"));
  CHECK_THAT(mixed, Contains("\nupstream = [\n  \"a=socks5://h:1\",  # " + file.path() +
                             ":2\n  \"direct\",  # " + file.path() + ":3\n]\n"));
  CHECK_THAT(mixed, Contains("\n#config = \"" + file.path() + "\"  # --config\n"));
}

TEST_CASE("what was printed and is read again is printed the same") {
  // What takes a secret is not complete without it.
  const std::set<std::string_view> secrets = {"tunnel-command", "tunnels"};
  const TemporaryFile users(
      "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7\n");
  for (const Flag& flag : flags()) {
    if (secrets.count(flag.name) != 0) continue;
    INFO(flag.name);
    const std::string once =
        printed({"--" + std::string(flag.name) + "=" + other_value(flag, users.path())});
    if (flag.name != "config") {
      CHECK_THAT(once, Contains("\n" + std::string(flag.name) + " = "));
    }
    const TemporaryFile file(once);
    const std::string again = printed({"--config", file.path()});
    if (flag.name != "config") {
      std::string expected = without_origins(once);
      const std::size_t config = expected.find("#config is not set");
      REQUIRE(config != std::string::npos);
      expected.replace(config, std::string("#config is not set").size(),
                       "#config = \"" + file.path() + "\"");
      CHECK(without_origins(again) == expected);
    }
  }
}

TEST_CASE("tunnels are printed as they were given, and take their command to be read again") {
  const TemporaryFile given(
      "tunnel-command = 'ssh -D {port} hush'\ntunnels = 4\nupstream = "
      "'lane=socks5://127.0.0.1:{port}?warm=2'\n");
  const std::string once = printed({"--config", given.path()});
  CHECK_THAT(once, Contains("\ntunnels = 4  # " + given.path() + ":2\n"));
  CHECK_THAT(once, Contains("  \"lane=socks5://127.0.0.1:{port}?warm=2\",  # "));
  CHECK(once.find("hush") == std::string::npos);

  const TemporaryFile incomplete(once);
  const CommandLine line = parse_command_line({"--config", incomplete.path()}, {});
  const auto* const found = std::get_if<Problems>(&line);
  REQUIRE(found != nullptr);
  CHECK_THAT(found->lines.at(0), Contains("tunnels 4: there is no --tunnel-command to run"));

  const TemporaryFile file(once + "tunnel-command = 'ssh -D {port} hush'\n");
  const Config config = test::config_of({"--config", file.path()});
  CHECK(config.tunnels == 4);
  REQUIRE(config.upstreams.size() == 4);
  CHECK(config.upstreams[3].warm == 2);

  CHECK_THAT(printed({"--tunnel-command", "ssh -D {port} hush"}),
             Contains("\n#upstream = [\"tunnel=socks5://127.0.0.1:{port}\"]  # default\n"));
}

TEST_CASE("a default that was printed is a default again") {
  const TemporaryFile file(printed({}));
  const Config config = test::config_of({"--config", file.path()});
  CHECK_FALSE(config.upstream_given);
  REQUIRE(config.listen.size() == 2);
  CHECK(config.listen[1].optional);
}

TEST_CASE(
    "with --explain-config each option has its help, and a file of it changes nothing until one is "
    "set") {
  const auto question = test::options_of<ConfigQuestion>({"--explain-config"});
  CHECK(question.print);
  REQUIRE(question.explain);
  const std::string text = config_text(question.settings, question.config, ConfigDetail::explained);
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    const bool is_option = flag.name != "config";
    const std::string key = concat({"\n#", flag.name, " = "});
    CHECK((text.find(key) != std::string::npos) == is_option);
    const std::string help = help_on(flag);
    const std::string first = concat({"\n# ", help.substr(0, help.find('\n')), "\n"});
    CHECK((text.find(first) != std::string::npos) == is_option);
  }
  CHECK_THAT(text, Contains("\n#allow-client = [\"CIDR,...\"]\n"));
  CHECK_THAT(text, Contains("\n#threads = \"N\"\n"));
  CHECK_THAT(text, Contains("\n#   :PORT or [::]:PORT       every address of this host\n"));
  CHECK_THAT(text, Contains("\n#connect-timeout = \"12s\"\n"));
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    INFO(text.substr(at, 80));
    CHECK((text[at] == '#' || text[at] == '\n'));
  }
  const TemporaryFile file(text);
  CHECK_FALSE(test::config_of({"--config", file.path()}).upstream_given);

  const auto set = test::options_of<ConfigQuestion>({"--explain-config", "--hold", "3s"});
  CHECK_THAT(config_text(set.settings, set.config, ConfigDetail::explained),
             Contains("\nhold = \"3s\"  # --hold\n"));
}

TEST_CASE("secrets are not printed, and what stands in their place sets nothing") {
  const TemporaryFile password("hunter2-in-a-file\n");
  const Arguments arguments = {
      "--upstream",       "a=socks5://me:hunter2@h:1",
      "--upstream",       "b=socks4a://me@h:1?resolve=local",
      "--upstream",       "c=http://me@h:1?password-file=" + password.path(),
      "--upstream",       "d=https://hunter2:hunter2%40@h/?sni=x.example",
      "--tunnel-command", "tunnel --password hunter2"};
  const std::string text = printed(arguments);
  CHECK(text.find("hunter2") == std::string::npos);
  CHECK_THAT(text, Contains("  # \"a=socks5://***@h:1\",  # secret, from --upstream\n"));
  CHECK_THAT(text, Contains("  \"b=socks4a://me@h:1?resolve=local\",  # --upstream\n"));
  CHECK_THAT(text, Contains("  \"c=http://me@h:1?password-file=" + password.path() + "\","));
  CHECK_THAT(text,
             Contains("  # \"d=https://***@h/?sni=x.example\",  # secret, from --upstream\n"));
  CHECK_THAT(text, Contains("\n#tunnel-command = \"***\"  # --tunnel-command\n"));

  const TemporaryFile file(text);
  const Config config = test::config_of({"--config", file.path()});
  REQUIRE(config.upstreams.size() == 2);
  CHECK(config.upstreams[0].name == "b");
  CHECK(config.upstreams[1].name == "c");
  CHECK(config.tunnel_command.empty());
}

TEST_CASE("a file in which every upstream is a secret is no file that goes direct") {
  const TemporaryFile file(printed({"--upstream", "http://me:hunter2@h:1"}));
  const CommandLine line = parse_command_line({"--config", file.path()}, {});
  const auto* const found = std::get_if<Problems>(&line);
  REQUIRE(found != nullptr);
  REQUIRE(found->lines.size() == 1);
  CHECK_THAT(found->lines[0], Contains("upstream: needs a value"));
}

TEST_CASE("an odd byte of a value or a file's name breaks no line") {
  const TemporaryFile file("access-log = \"off\"\n");
  const std::string odd = file.path() + "\n#\"'\\";
  REQUIRE(std::rename(file.path().c_str(), odd.c_str()) == 0);
  const std::string text = printed({"--config", odd});
  std::remove(odd.c_str());
  CHECK_THAT(text, Contains("\naccess-log = \"off\"  # " + file.path() + "?#\"'\\:1\n"));
  CHECK_THAT(text, Contains("\n#config = \"" + file.path() + "\\u000a#\\\"'\\\\\"  # --config\n"));
}

}  // namespace
}  // namespace culvert
