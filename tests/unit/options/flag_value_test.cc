#include "options/flag_value.h"

#include <chrono>
#include <string>
#include <vector>

#include "options/flags.h"
#include "support/catch.h"
#include "unit/options/temporary_file.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

using Words = std::vector<std::string_view>;

/// What the flag's value is after `text` was read, or "! " and what is wrong.
std::string read(std::string_view flag, const std::string& text) {
  Config config;
  const FlagValue& value = find_flag(flag)->value;
  const std::string problem = read_flag_value(value, text, config);
  return problem.empty() ? show_flag_value(value, config) : "! " + problem;
}

}  // namespace

TEST_CASE("the value of a flag: switches") {
  for (const char* const text : {"", "true", "YES", "on", "1"}) {
    CHECK(read("open-proxy", text) == "true");
  }
  for (const char* const text : {"false", "no", "OFF", "0"}) {
    CHECK(read("open-proxy", text) == "false");
  }
  CHECK(read("open-proxy", "perhaps") == "! either true or false");
}

TEST_CASE("the value of a flag: durations") {
  CHECK(read("header-timeout", "1500ms") == "1500ms");
  CHECK(read("header-timeout", "90") == "90s");
  CHECK(read("header-timeout", "2h") == "! not between 100ms and 1h");
  CHECK(read("header-timeout", "off") == "! not between 100ms and 1h");
  CHECK(read("hold", "0") == "0");
  CHECK(read("hedge", "off") == "off");
  CHECK(read("hedge", "0") == "off");
  CHECK(read("hedge", "1m") == "! not between 1ms and 55s (or off)");
}

TEST_CASE("the value of a flag: durations that may be off") {
  CHECK(read("drain-timeout", "0") == "0");
  CHECK(read("drain-timeout", " OFF ") == "off");
  CHECK(read("drain-timeout", "1h") == "1h");
  CHECK(read("drain-timeout", "169h") == "! not between 0 and 168h (or off)");
  // What is wrong leaves the default.
  Config config;
  CHECK_FALSE(read_flag_value(find_flag("drain-timeout")->value, "x", config).empty());
  CHECK(config.drain_timeout == 30s);
}

TEST_CASE("the value of a flag: when a tunnel has stalled") {
  CHECK(read("reset-stalled", "30s") == "30s");
  CHECK(read("reset-stalled", "1m:64k") == "1m:65536");
  CHECK(read("reset-stalled", "2:1M") == "2s:1048576");
  CHECK(read("reset-stalled", "off") == "off");
  CHECK(read("reset-stalled", "0") == "off");
  CHECK(read("reset-stalled", "10ms") == "! not between 1s and 1h (or off)");
  CHECK(read("reset-stalled", ":64k") == "! not a time; write 500ms, 12s, 5m or 1h");
  CHECK(read("reset-stalled", "off:64k") == "! off takes no rate");
  const std::string not_a_rate = "! not a rate; write bytes a second, as 4096, 64k or 1M";
  CHECK(read("reset-stalled", "30s:") == not_a_rate);
  CHECK(read("reset-stalled", "30s:-1") == not_a_rate);
  CHECK(read("reset-stalled", "30s:1g") == not_a_rate);
  CHECK(read("reset-stalled", "30s:0") == "! not between 1 and 1024M bytes a second");
  CHECK(read("reset-stalled", "30s:1025M") == "! not between 1 and 1024M bytes a second");
  CHECK(read("reset-stalled", "30s:1024M") == "30s:1073741824");
}

TEST_CASE("the value of a flag: counts") {
  CHECK(read("threads", "256") == "256");
  CHECK(read("threads", "0") == "! not between 1 and 256");
  CHECK(read("max-connections", "1000000") == "1000000");
  CHECK(read("max-connections", "many") == "! not a number");
  CHECK(read("max-connections", "off") == "! not a number");
  CHECK(read("max-connections-per-client", "off") == "off");
  CHECK(read("max-connections-per-client", "20") == "20");
  for (const char* const wrong : {"0", "1000001", "x", ""}) {
    CHECK(read("max-connections-per-client", wrong) == "! not between 1 and 1000000 (or off)");
    CHECK(read("max-accepts-per-second", wrong) == "! not between 1 and 1000000 (or off)");
  }
}

TEST_CASE("the value of a flag: rates") {
  CHECK(read("bandwidth", "20M") == "20M");
  CHECK(read("bandwidth", "64k") == "64k");
  CHECK(read("bandwidth", "1500") == "1500");
  CHECK(read("bandwidth", "OFF") == "off");
  CHECK(read("bandwidth", "1024M") == "1024M");
  for (const char* const wrong : {"0", "1", "1023", "2048M", "1G", "fast", ""}) {
    CHECK(read("bandwidth-per-client", wrong) ==
          "! not between 1k and 1024M bytes a second, as 64k or 20M (or off)");
  }
}

TEST_CASE("the value of a flag: choices") {
  CHECK(read("log-level", "WARNING") == "warning");
  CHECK(read("log-level", "loud") == "! not one of debug, info, warning, error");
  CHECK(read("log-format", "json") == "json");
}

TEST_CASE("the value of a flag: targets and secrets") {
  CHECK(read("probe", "gcr.io:443") == "gcr.io:443");
  CHECK(read("probe", "gcr.io").starts_with("! "));
  CHECK(read("probe-tls", "gcr.io:443") == "gcr.io:443");
  CHECK(read("probe-tls", "gcr.io").starts_with("! "));
  Config config;
  const FlagValue& command = find_flag("tunnel-command")->value;
  CHECK(read_flag_value(command, "ssh -N", config).empty());
  CHECK(config.tunnel_command.reveal() == "ssh -N");
  CHECK(show_flag_value(command, config).empty());
}

TEST_CASE("the value of a flag: files to write to") {
  const TemporaryFile file("");
  CHECK(read("access-log", file.path()) == file.path());
  CHECK(read("access-log", file.path() + ".new") == file.path() + ".new");
  CHECK(read("access-log", "-") == "-");
  CHECK(read("access-log", "off") == "off");
  CHECK(read("access-log", "journal") == "journal");
  CHECK(read("access-log", "Journal") == "journal");
  CHECK(read("access-log", "./journal") == "./journal");
  CHECK(read("access-log", "OFF") == "off");  // as of every other option
  // docker's --env-file keeps quotes; a file of such a name is not meant.
  CHECK(read("access-log", "\"off\"") == "! stands in quotes, which are no part of it");
  CHECK(read("access-log", "'/tmp/a'") == "! stands in quotes, which are no part of it");
  CHECK(read("access-log", "/tmp") == "! is a directory");
  CHECK(read("access-log", "/nonexistent/x") == "! cannot be created: No such file or directory");
}

TEST_CASE("the value of a flag: what is read elsewhere is left alone") {
  CHECK(read("listen", "no address") == "");
  CHECK_FALSE(show_limits(find_flag("listen")->value).has_value());
}

TEST_CASE("keywords of flag values") {
  CHECK(keywords(find_flag("log-format")->value) == Words{"text", "json"});
  CHECK(keywords(find_flag("hedge")->value) == Words{"off"});
  CHECK(keywords(find_flag("bandwidth")->value) == Words{"off"});
  CHECK(keywords(find_flag("max-requests-per-second")->value) == Words{"off"});
  CHECK(keywords(find_flag("max-connections")->value).empty());
  CHECK(keywords(find_flag("hold")->value).empty());
  CHECK(keywords(find_flag("access-log")->value) == Words{"-", "off", "journal"});
  CHECK(keywords(find_flag("listen")->value).empty());
}
