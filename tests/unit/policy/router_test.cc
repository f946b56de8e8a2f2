#include "policy/router.h"

#include <string>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "support/catch.h"

using namespace culvert;

namespace {

HostPort target(const std::string& text) {
  auto parsed = HostPort::parse(text);
  INFO(text);
  REQUIRE(parsed.ok());
  return *parsed;
}

RouteRule rule(const std::string& patterns, std::vector<std::size_t> upstreams,
               const std::string& text) {
  std::vector<std::string> problems;
  RouteRule rule{parse_target_patterns(patterns, problems), {std::move(upstreams), text}};
  REQUIRE(problems.empty());
  return rule;
}

using Upstreams = std::vector<std::size_t>;

}  // namespace

TEST_CASE("without rules every upstream is tried in order") {
  const Router router(3);
  const Route& route = router.route(target("gcr.io:443"));
  CHECK(route.upstreams == Upstreams{0, 1, 2});
  CHECK_FALSE(route.denied());
  CHECK(route.rule == "default");
  CHECK(router.explain(target("gcr.io:443")).text == "default: no other rule matched");
}

TEST_CASE("whether a rule is for a target in particular") {
  RoutingTable table;
  table.no_proxy = NoProxy("corp.example");
  table.rules.push_back(rule("bad.example", {}, "--route bad.example=deny"));
  table.rules.push_back(rule(".good.example,10.0.0.0/8", {0}, "--route ..."));
  table.rules.push_back(rule("*,0.0.0.0/0", {0}, "--route *=a"));
  const Router router(std::move(table));
  for (const char* const text :
       {"bad.example:1", "a.good.example:1", "10.1.1.1:1", "corp.example:1"}) {
    CHECK(router.has_rule_for(target(text)));
  }
  for (const char* const text : {"good.example:1", "192.0.2.1:1", "x:1"}) {
    CHECK_FALSE(router.has_rule_for(target(text)));
  }
}

TEST_CASE("a rule tells from which of its presets a pattern is") {
  RoutingTable table;
  table.rules.push_back(rule("quay.io:443,preset:quay,preset:gcr", {1}, "--route ..."));
  table.rules.back().presets = {find_preset("quay"), find_preset("gcr")};
  table.otherwise = {{0}, "default"};
  const Router router(std::move(table));
  const auto preset = [&](const std::string& text) { return router.explain(target(text)).preset; };
  CHECK(preset("cdn.quay.io:443") == find_preset("quay"));
  CHECK(preset("gcr.io:443") == find_preset("gcr"));
  CHECK(preset("elsewhere.net:443") == nullptr);
}

TEST_CASE("the first rule that matches decides") {
  RoutingTable table;
  table.no_proxy = NoProxy("corp.example,192.0.2.0/24");
  table.direct = {{9}, "--no-proxy"};
  table.rules.push_back(rule("eu.gcr.io", {2}, "--route eu.gcr.io=c"));
  table.rules.push_back(rule("preset:gcr,.example", {1, 0}, "--route preset:gcr,.example=b,a"));
  table.rules.push_back(rule("10.0.0.0/8,169.254.0.0/16", {}, "--route 10.0.0.0/8,...=deny"));
  table.otherwise = {{0, 1}, "default"};
  const Router router(std::move(table));

  CHECK(router.route(target("eu.gcr.io:443")).upstreams == Upstreams{2});
  CHECK(router.route(target("us.gcr.io:443")).upstreams == Upstreams{1, 0});
  CHECK(router.route(target("us.gcr.io:80")).upstreams == Upstreams{0, 1});
  CHECK(router.route(target("a.example:80")).upstreams == Upstreams{1, 0});
  CHECK(router.route(target("git.corp.example:80")).upstreams == Upstreams{9});
  CHECK(router.route(target("192.0.2.7:80")).upstreams == Upstreams{9});
  CHECK(router.route(target("10.0.0.1:443")).denied());
  CHECK(router.route(target("[::ffff:10.0.0.1]:443")).denied());
  CHECK(router.route(target("169.254.169.254:80")).denied());
  CHECK(router.route(target("elsewhere.net:80")).upstreams == Upstreams{0, 1});

  const auto why = [&](const std::string& text) { return router.explain(target(text)).text; };
  CHECK(why("us.gcr.io:443") ==
        "--route preset:gcr,.example=b,a: *.gcr.io:443 stands for subdomains of gcr.io at port "
        "443");
  CHECK(why("10.0.0.1:443") ==
        "--route 10.0.0.0/8,...=deny: 10.0.0.0/8 stands for addresses in 10.0.0.0/8");
  CHECK(why("git.corp.example:80") ==
        "--no-proxy: entry corp.example stands for that host and its subdomains");
  CHECK(why("elsewhere.net:80") == "default: no other rule matched");
  for (const char* const text : {"us.gcr.io:443", "10.0.0.1:443", "192.0.2.7:80", "x.y:1"}) {
    CHECK(router.explain(target(text)).route == &router.route(target(text)));
  }
}

TEST_CASE(
    "what has no rule of its own goes by the first rule for everything, or else the default") {
  RoutingTable table;
  table.otherwise = {{7}, "default"};
  table.rules.push_back(rule("gcr.io", {1}, "first"));
  CHECK(Router(table).otherwise().rule == "default");
  table.rules.push_back(rule("x.example,*", {2}, "second"));
  table.rules.push_back(rule("*", {3}, "third"));
  CHECK(Router(table).otherwise().rule == "second");
}

TEST_CASE("a route in parts: balanced tiers, and each of the others alone") {
  const auto parts = [](std::vector<std::size_t> upstreams, std::vector<Tier> tiers) {
    const Route route{std::move(upstreams), "default", std::move(tiers)};
    std::string out;
    for (const RoutePart& part : parts_of(route)) {
      out += std::string(name_of(part.balance)) + ":";
      for (const std::size_t index : part.upstreams) out += std::to_string(index);
      out += ' ';
    }
    return out;
  };
  CHECK(parts({}, {}) == "");
  CHECK(parts({2, 0}, {}) == "order:2 order:0 ");
  CHECK(parts({2, 0, 1}, {{2, Balance::least}}) == "least:20 order:1 ");
  CHECK(parts({0, 1, 2, 3}, {{2, Balance::order}, {2, Balance::sticky}}) ==
        "order:0 order:1 sticky:23 ");
  CHECK(parts({0, 1}, {{1, Balance::least}, {1, Balance::order}}) == "order:0 order:1 ");
}

TEST_CASE("a route's upstreams in words") {
  const auto words = [](std::vector<std::size_t> upstreams, std::vector<Tier> tiers) {
    const Route route{std::move(upstreams), "default", std::move(tiers)};
    return describe_upstreams(route, ", then ", [](std::size_t index) {
      return std::string(1, static_cast<char>('a' + index));
    });
  };
  CHECK(words({}, {}) == "");
  CHECK(words({2, 0}, {}) == "c, then a");
  CHECK(words({0, 1, 2}, {{2, Balance::least}}) == "a or b (least), then c");
  CHECK(words({0, 1, 2}, {{1, Balance::order}, {2, Balance::sticky}}) == "a, then b or c (sticky)");
}
