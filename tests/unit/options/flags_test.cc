#include "options/flags.h"

#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "options/help.h"
#include "support/catch.h"
#include "unit/options/parsed_line.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// The default in the help text; empty if it names none.
std::string default_in_help(const Flag& flag) {
  constexpr std::string_view kBefore = "(default: ";
  std::string text = help_on(flag);
  const std::size_t begin = text.find(kBefore);
  if (begin == std::string::npos) return {};
  text.erase(0, begin + kBefore.size());
  return text.substr(0, text.find_first_of(",)"));
}

}  // namespace

TEST_CASE("names are in the table once, and found") {
  std::set<std::string_view> names;
  for (const Flag& flag : flags()) {
    INFO(flag.name);
    CHECK(names.insert(flag.name).second);
    CHECK(find_flag(flag.name) == &flag);
    // A switch has no value to show, everything else has.
    CHECK(std::holds_alternative<SwitchValue>(flag.value) == flag.placeholder.empty());
  }
  CHECK(find_flag("bogus") == nullptr);
}

TEST_CASE("a group's flags stand together") {
  std::set<std::string_view> done;
  std::string_view group;
  for (const Flag& flag : flags()) {
    if (flag.group != group) CHECK(done.insert(flag.group).second);
    group = flag.group;
  }
}

TEST_CASE("a default in help is what Config has") {
  const Config config = config_of({});
  std::set<std::string_view> checked;
  for (const Flag& flag : flags()) {
    const std::string text = default_in_help(flag);
    if (text.empty() || std::holds_alternative<OwnReader>(flag.value)) continue;
    if (flag.name == "threads" || flag.name.starts_with("probe")) {
      if (flag.name != "probe-interval") continue;  // below
    }
    INFO("--" << flag.name << " " << text);
    checked.insert(flag.name);
    const std::string shown = show_flag_value(flag.value, config);
    CHECK_FALSE(shown.empty());
    CHECK(shown == show_flag_value(flag.value, Config()));
    CHECK(shown ==
          show_flag_value(flag.value, config_of({"--" + std::string(flag.name) + "=" + text,
                                                 "--tunnel-command=ssh"})));
  }
  CHECK(checked == std::set<std::string_view>{"header-timeout",
                                              "connect-timeout",
                                              "hold",
                                              "stall-after",
                                              "reset-stalled",
                                              "hold-resumed",
                                              "hedge",
                                              "probe-interval",
                                              "idle-timeout",
                                              "half-open-timeout",
                                              "response-timeout",
                                              "keep-alive-timeout",
                                              "drain-timeout",
                                              "max-connections",
                                              "max-connections-per-client",
                                              "max-connections-per-user",
                                              "max-requests-per-second",
                                              "max-accepts-per-second",
                                              "bandwidth",
                                              "bandwidth-per-client",
                                              "bandwidth-per-user",
                                              "max-lifetime",
                                              "log-level",
                                              "log-format",
                                              "access-log",
                                              "lost-tunnel",
                                              "balance",
                                              "trace-sessions",
                                              "tunnels"});

  CHECK(default_in_help(*find_flag("probe")) == "off");
  CHECK_FALSE(config.probe.has_value());
  CHECK(default_in_help(*find_flag("probe-tls")) == "off");
  CHECK_FALSE(config.probe_tls.has_value());
  CHECK(default_in_help(*find_flag("threads")) == "one for each usable core");
  CHECK(config.threads >= 1);

  CHECK(default_in_help(*find_flag("listen")) == "127.0.0.1:3128 and\n[::1]:3128");
  REQUIRE(config.listen.size() == 2);
  CHECK(config.listen[0].to_string() == "http://127.0.0.1:3128");
  CHECK(config.listen[1].to_string() == "http://[::1]:3128");
  CHECK(default_in_help(*find_flag("upstream")) == "direct");
  REQUIRE(config.upstreams.size() == 1);
  CHECK(config.upstreams[0].name == "direct");
}

TEST_CASE("limits in help are those that hold") {
  for (const Flag& flag : flags()) {
    const auto limits = show_limits(flag.value);
    if (!limits) continue;
    INFO(flag.name << " " << limits->least << " to " << limits->most);
    const std::string help = help_on(flag);
    const bool from_zero = limits->least == "0";
    CHECK(help.find(from_zero ? "up to " + limits->most : limits->least + " to " + limits->most) !=
          std::string::npos);
    Config config;
    CHECK(read_flag_value(flag.value, limits->least, config).empty());
    CHECK(read_flag_value(flag.value, limits->most, config).empty());
    CHECK(read_flag_value(flag.value, "1" + limits->most, config).starts_with("not between "));
  }
}

TEST_CASE("the nearest flag") {
  CHECK(nearest_flag("lisen") == "listen");
  CHECK(nearest_flag("listen-") == "listen");
  CHECK(nearest_flag("upstreams") == "upstream");
  CHECK(nearest_flag("conect-timout") == "connect-timeout");
  CHECK(nearest_flag("halp") == "help");
  CHECK(nearest_flag("versoin") == "version");
  CHECK(nearest_flag("qwerty").empty());
  CHECK(nearest_flag("").empty());
  CHECK(nearest_flag("x").empty());
}
