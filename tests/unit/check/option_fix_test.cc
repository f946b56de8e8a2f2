#include "check/option_fix.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"

using namespace culvert;

namespace {

HostPort host(std::string_view text) { return HostPort::parse(text).value(); }

UpstreamConfig upstream(const std::string& name, std::string_view address, bool login = false) {
  UpstreamConfig config;
  config.kind = UpstreamConfig::Kind::socks5;
  config.address = host(address);
  config.label = "socks5://" + config.address.to_string();
  config.name = name.empty() ? config.label : name;
  if (login) config.credentials = Credentials{"me", Secret("hush")};
  return config;
}

RouteConfig route(const std::string& text, const std::string& origin) {
  std::vector<std::string> problems;
  return {text, parse_target_patterns(text.substr(0, text.find('=')), problems), {}, {}, origin};
}

/// Two upstreams that were given, and the one that routes made of `direct`.
Config config_of(const std::string& file) {
  Config config;
  config.upstreams = {upstream("office", "a.example:1080", true),
                      upstream("b", "b.example:1080", true), UpstreamConfig{}};
  config.upstreams[2].name = "direct";
  config.upstream_given = true;
  config.upstream_count = 2;
  config.file = file;
  const std::string from = file.empty() ? "--" : file + ":1: ";
  config.upstream_origin = from + "upstream";
  for (const char* const rule : {"a.b=b", "gcr.io:443,x.y=deny", "*=office"}) {
    config.routes.push_back(route(rule, from + "route"));
  }
  return config;
}

}  // namespace

TEST_CASE("a fix of one upstream keeps the others, and shows no password") {
  const Config flags = config_of("");
  CHECK(upstream_fix(&flags, flags.upstreams[0], {}) ==
        "--upstream office=socks5://a.example:1080 --upstream "
        "b=socks5://USER:PASSWORD@b.example:1080");
  const Config file = config_of("g.toml");
  CHECK(upstream_fix(&file, file.upstreams[1], {.login = true, .place = "HOST:PORT"}) ==
        "upstream = [\"office=socks5://USER:PASSWORD@a.example:1080\", "
        "\"b=socks5://USER:PASSWORD@HOST:PORT\"]  # in g.toml");
  const UpstreamConfig alone = upstream("", "c.example:1080");
  CHECK(upstream_fix(nullptr, alone, {}) == "--upstream socks5://c.example:1080");
}

TEST_CASE("a variable's list is replaced by flags") {
  Config config = config_of("g.toml");
  config.upstream_origin = "CULVERT_UPSTREAM";
  CHECK(upstream_fix(&config, config.upstreams[0], {}).starts_with("--upstream office=socks5://"));
}

TEST_CASE("a rule for a target stands before the one that takes it, and keeps all others") {
  const Config file = config_of("h.toml");
  CHECK(
      route_fix(&file, host("gcr.io:443"), "gcr.io", "office") ==
      "route = [\"a.b=b\", \"gcr.io=office\", \"gcr.io:443,x.y=deny\", \"*=office\"]  # in h.toml");
  const Config flags = config_of("");
  CHECK(route_fix(&flags, host("a.b:1"), "a.b", "NAME") ==
        "--route 'a.b=NAME' --route 'gcr.io:443,x.y=deny' --route '*=office'");
  CHECK(route_fix(nullptr, host("a.b:1"), "a.b", "NAME") == "--route 'a.b=NAME'");
  Config none;
  CHECK(route_fix(&none, host("a.b:1"), "a.b", "NAME") == "--route 'a.b=NAME'");
}

TEST_CASE("a rule that is for the target's port alone is changed with its port") {
  Config config = config_of("");
  config.routes = {route("127.0.0.1:21061=deny", "--route"), route("gcr.io=deny", "--route")};
  CHECK(route_fix(&config, host("127.0.0.1:21061"), "127.0.0.1", "b") ==
        "--route '127.0.0.1:21061=b' --route 'gcr.io=deny'");
}

TEST_CASE("a rule is shown by where it stands") {
  CHECK(shown_rule(config_of("h.toml"), "--route a.b=b") == "h.toml:1: route a.b=b");
  CHECK(shown_rule(config_of(""), "--route a.b=b") == "--route a.b=b");
  CHECK(shown_rule(config_of("h.toml"), "default") == "default");
}

TEST_CASE("a fix has one comment") {
  CHECK(with_comment("route = []  # in a", "b") == "route = []  # in a; b");
  CHECK(with_comment("--route a=b", "c") == "--route a=b  # c");
}

TEST_CASE("several tunnels have one option") {
  Config config = config_of("");
  for (std::size_t i = 0; i < 2; ++i) {
    UpstreamConfig& one = config.upstreams[i];
    one.address = host("127.0.0.1:31001");
    one.name = "tunnel-" + std::to_string(i + 1);
    one.group = "tunnel";
    one.tunnel = i + 1;
  }
  CHECK(upstream_fix(&config, config.upstreams[1], {}) ==
        "--upstream 'tunnel=socks5://127.0.0.1:{port}'");
}
