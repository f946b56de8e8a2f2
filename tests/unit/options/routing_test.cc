#include "options/routing.h"

#include <string>
#include <vector>

#include "base/host_port.h"
#include "options/flags.h"
#include "options/help.h"
#include "server/ruleset.h"
#include "support/catch.h"
#include "unit/options/parsed_line.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// The names of the upstreams that serve `target`, in their order; "deny" if none may.
std::string upstreams_of(const Config& config, const std::string& target) {
  const Router router = make_router(config);
  const Route& route = router.route(*HostPort::parse(target));
  if (route.denied()) return "deny";
  std::string names;
  for (const std::size_t index : route.upstreams) {
    if (!names.empty()) names += ',';
    names += config.upstreams.at(index).name;
  }
  return names;
}

const std::vector<std::string> kTwo = {"--upstream", "a=socks5://h1", "--upstream", "b=http://h2"};

std::vector<std::string> two_and(std::vector<std::string> more) {
  more.insert(more.begin(), kTwo.begin(), kTwo.end());
  return more;
}

}  // namespace

TEST_CASE("without routes every upstream is tried in order") {
  CHECK(upstreams_of(config_of({}), "gcr.io:443") == "direct");
  CHECK(upstreams_of(config_of(kTwo), "gcr.io:443") == "a,b");
  CHECK(config_of(kTwo).warnings.empty());
}

TEST_CASE("routes choose upstreams") {
  const Config config =
      config_of(two_and({"--route", "eu.gcr.io=b", "--route", "preset:gcr,.corp.example=b,a",
                         "--route", "10.0.0.0/8=DENY", "--route", "*.local=direct"}));
  CHECK(config.warnings.empty());
  CHECK(upstreams_of(config, "eu.gcr.io:443") == "b");
  CHECK(upstreams_of(config, "gcr.io:443") == "b,a");
  CHECK(upstreams_of(config, "git.corp.example:22") == "b,a");
  CHECK(upstreams_of(config, "10.1.2.3:80") == "deny");
  CHECK(upstreams_of(config, "printer.local:80") == "direct");
  CHECK(upstreams_of(config, "elsewhere.net:80") == "a,b");
  // The built-in direct is no part of the default.
  CHECK(config.upstreams.size() == 3);
  CHECK(config.default_route == std::vector<std::size_t>{0, 1});
  CHECK(make_router(config).explain(*HostPort::parse("eu.gcr.io:443")).text ==
        "--route eu.gcr.io=b: eu.gcr.io stands for the host eu.gcr.io");
}

TEST_CASE("where upstreams and routes come from is kept") {
  const Config config = config_of(
      {"--upstream", "a=socks5://h", "--upstream", "b=socks5://i", "--route", "x.example=direct"});
  CHECK(config.upstream_count == 2);
  CHECK(config.upstream_origin == "--upstream");
  CHECK(config.routes[0].origin == "--route");
}

TEST_CASE("direct is the upstream of that kind if there is one") {
  const Config config =
      config_of({"--upstream", "a=socks5://h", "--upstream", "plain=direct?connect-timeout=1s",
                 "--route", "x.example=direct", "--no-proxy", "y.example"});
  CHECK(config.upstreams.size() == 2);
  CHECK(upstreams_of(config, "x.example:1") == "plain");
  CHECK(upstreams_of(config, "y.example:1") == "plain");
  CHECK(upstreams_of(config, "z.example:1") == "a,plain");
}

TEST_CASE("no-proxy goes direct before any route") {
  const Config config = config_of(two_and({"--no-proxy", "corp.example,192.0.2.0/24", "--no-proxy",
                                           ".other.example", "--route", "*=deny"}));
  CHECK(upstreams_of(config, "git.corp.example:80") == "direct");
  CHECK(upstreams_of(config, "192.0.2.9:80") == "direct");
  CHECK(upstreams_of(config, "a.other.example:80") == "direct");
  CHECK(upstreams_of(config, "localhost:80") == "direct");
  CHECK(upstreams_of(config, "gcr.io:80") == "deny");
  REQUIRE(config.no_proxy_lines.size() == 2);
  CHECK(config.no_proxy_lines[1].origin == "--no-proxy");
  CHECK(config.no_proxy_lines[1].list == ".other.example");
  // Without a list, localhost is a target like any other.
  CHECK(upstreams_of(config_of(kTwo), "localhost:80") == "a,b");
  CHECK(upstreams_of(config_of(kTwo), "127.0.0.1:80") == "a,b");
  CHECK_THAT(help_on(*find_flag("no-proxy")),
             Catch::Matchers::Contains("without --no-proxy they go by the routes"));
}

TEST_CASE("entries of no-proxy that no host can be are warnings, each with its origin") {
  const Config config =
      config_of({"--no-proxy", "'localhost,reg.corp'"}, {{"CULVERT_ROUTE", "gcr.io=direct"}});
  REQUIRE(config.warnings.size() == 2);
  CHECK(config.warnings[0] ==
        "--no-proxy 'localhost: holds a quote, which is no part of a host; "
        "leave the quotes out");
  CHECK(config.warnings[1].starts_with("--no-proxy reg.corp': "));
}

TEST_CASE("entries of a route that no host can be are problems, all of them") {
  CHECK(problems_of({"--route", "'gcr.io',10.0.0.1-10.0.0.9,$HOSTS,gcr.io;quay.io=direct"}) ==
        Lines{"--route 'gcr.io',10.0.0.1-10.0.0.9,$HOSTS,gcr.io;quay.io=direct: 'gcr.io': holds a "
              "quote, which is no part of a host; leave the quotes out",
              "--route 'gcr.io',10.0.0.1-10.0.0.9,$HOSTS,gcr.io;quay.io=direct: "
              "10.0.0.1-10.0.0.9: is a range; addresses are written as blocks, as in "
              "172.17.0.0/16",
              "--route 'gcr.io',10.0.0.1-10.0.0.9,$HOSTS,gcr.io;quay.io=direct: $HOSTS: holds a "
              "variable that nothing has replaced",
              "--route 'gcr.io',10.0.0.1-10.0.0.9,$HOSTS,gcr.io;quay.io=direct: gcr.io;quay.io: "
              "holds a ';' or '|'; entries are separated by commas alone"});
}

TEST_CASE("an upstream that is only a hop to another is not used by itself") {
  const Config config =
      config_of({"--upstream", "ssh=socks5://127.0.0.1", "--upstream",
                 "corp=http://proxy.example?via=ssh", "--upstream", "spare=socks5://h"});
  CHECK(config.upstreams[1].via_index == 0u);
  CHECK(upstreams_of(config, "gcr.io:443") == "corp,spare");
  CHECK(config.warnings.empty());
  CHECK(upstreams_of(config_of({"--upstream", "ssh=socks5://127.0.0.1", "--upstream",
                                "corp=http://proxy.example?via=ssh", "--route", "gcr.io=ssh"}),
                     "gcr.io:443") == "ssh");
}

TEST_CASE("a route knows its presets") {
  const Config config = config_of(
      two_and({"--route", "x.example,preset:gcr,Preset:QUAY=a", "--route", "gcr.io.example=b"}));
  REQUIRE(config.routes.size() == 2);
  CHECK(config.routes[0].presets == std::vector{find_preset("gcr"), find_preset("quay")});
  CHECK(config.routes[1].presets.empty());
}

TEST_CASE("routes are balanced as --balance or they themselves say") {
  using Tiers = std::vector<Tier>;
  const Config usual = config_of(two_and({"--route", "x.example=b"}));
  CHECK(usual.balance == Balance::order);
  CHECK(usual.default_tiers == Tiers{{2, Balance::order}});
  CHECK_FALSE(usual.balances_by_load());
  CHECK(make_router(usual).otherwise().tiers.empty());

  const Config config = config_of(
      two_and({"--balance", "Sticky", "--route", "gcr.io=least:a,b", "--route", "eu.gcr.io=b,a",
               "--route", "quay.io=FASTEST: b", "--route", "k8s.io=order:a,b", "--route",
               "docker.io=deny", "--no-proxy", "y.example"}));
  CHECK(config.warnings.empty());
  CHECK(config.default_tiers == Tiers{{2, Balance::sticky}});
  CHECK(config.routes[0].tiers == Tiers{{2, Balance::least}});
  CHECK(config.routes[1].tiers == Tiers{{2, Balance::sticky}});
  CHECK(config.routes[2].tiers == Tiers{{1, Balance::fastest}});
  CHECK(config.routes[3].tiers == Tiers{{2, Balance::order}});
  CHECK(config.balances_by_load());
  CHECK(upstreams_of(config, "gcr.io:443") == "a,b");
  const Router router = make_router(config);
  CHECK(router.route(*HostPort::parse("gcr.io:443")).rule == "--route gcr.io=least:a,b");
  CHECK(router.route(*HostPort::parse("gcr.io:443")).tiers == Tiers{{2, Balance::least}});
  // With one there is nothing to choose.
  CHECK(router.route(*HostPort::parse("quay.io:443")).tiers.empty());
  CHECK(router.route(*HostPort::parse("y.example:443")).tiers.empty());
  CHECK_FALSE(config_of(two_and({"--balance", "sticky"})).balances_by_load());
  CHECK_FALSE(config_of({"--upstream", "socks5://h", "--balance", "least"}).balances_by_load());

  // An upstream without a name is named by its URL.
  const Config urls =
      config_of({"--upstream", "socks5://h:1", "--upstream", "http://i:2", "--route",
                 "x.example=socks5://h:1", "--route", "y.example=least:http://i:2,socks5://h:1"});
  CHECK(upstreams_of(urls, "x.example:1") == "socks5://h:1");
  CHECK(upstreams_of(urls, "y.example:1") == "http://i:2,socks5://h:1");
}

TEST_CASE("a route or --balance that names no way to balance is reported") {
  CHECK(problems_of(
            two_and({"--route", "gcr.io=lest:a,b", "--route", "gcr.io=least:", "--route",
                     "gcr.io=least:a,c", "--route", "gcr.io=:a", "--route", "gcr.io=a,least:b"})) ==
        Lines{
            "--route gcr.io=lest:***: 'lest:' is no way to balance (order, least, fastest, sticky)",
            "--route gcr.io=least:: the name of an upstream is missing",
            "--route gcr.io=least:a,c: no upstream is named 'c' (a, b, direct, deny)",
            "--route gcr.io=:***: ':' is no way to balance (order, least, fastest, sticky)",
            "--route gcr.io=a,least:***: 'least:' stands once, before the first name",
        });
  CHECK(problems_of(two_and({"--balance", "random"})) ==
        Lines{"--balance random: not one of order, least, fastest, sticky"});
}

TEST_CASE("a weight where nothing is balanced is most likely a mistake") {
  const auto warnings = [](std::vector<std::string> more) {
    more.insert(more.begin(), {"--upstream", "a=socks5://h?weight=3", "--upstream", "b=http://i"});
    return config_of(more).warnings;
  };
  const Lines unused = {
      "--upstream a: weight does nothing, as no route is balanced over it and others, see "
      "--balance"};
  CHECK(warnings({}) == unused);
  CHECK(warnings({"--route", "x.example=least:a"}) == unused);
  CHECK(warnings({"--upstream", "c=http://j", "--balance", "least", "--route", "x.example=order:a",
                  "--route", "*=b,c"})
            .front() == unused.front());
  CHECK(warnings({"--balance", "least"}).empty());
  CHECK(warnings({"--route", "x.example=sticky:a,b"}).empty());
}

TEST_CASE("every bad route is reported") {
  CHECK(problems_of(two_and({"--route", "gcr.io", "--route", "gcr.io=c", "--route", "gcr.io=a,a",
                             "--route", "10.1.0.0/8,x*=a", "--route", "gcr.io=", "--route", "=a",
                             "--route", "x=deny,a", "--route", "preset:x=a"})) ==
        Lines{
            "--route gcr.io: a route is written PATTERN,...=NAME,...",
            "--route gcr.io=c: no upstream is named 'c' (a, b, direct, deny)",
            "--route gcr.io=a,a: 'a' is named twice",
            "--route 10.1.0.0/8,x*=a: 10.1.0.0/8: not a block: the prefix length is wrong, or "
            "address bits behind it are set (10.0.0.0/8 is right, 10.1.0.0/8 not)",
            "--route 10.1.0.0/8,x*=a: x*: a '*' stands alone or first, as in *.example.com; "
            "addresses are written as a block, as in 172.17.0.0/16",
            "--route gcr.io=: the name of an upstream is missing",
            "--route =a: an empty pattern in ''",
            "--route x=deny,a: 'deny' stands alone",
            "--route preset:x=a: preset:x: no such preset (gcr, k8s, dockerhub, ghcr, quay, "
            "mcr, ecr, nvidia, redhat, containers)",
        });
}

TEST_CASE("an upstream's own problem does not make its name unknown") {
  CHECK(problems_of({"--upstream", "a=socks9://h", "--route", "gcr.io=a"}) ==
        Lines{"--upstream a=socks9://h: unknown scheme 'socks9' (socks5, socks4a, http, https, "
              "direct)"});
}

TEST_CASE("chains that lead nowhere") {
  CHECK(problems_of({"--upstream", "a=socks5://h?via=b", "--upstream", "b=http://h?via=a"}) ==
        Lines{"--upstream a: via goes in a circle: a -> b -> a"});
  CHECK(problems_of({"--upstream", "a=socks5://h?via=x"}) ==
        Lines{"--upstream a: via=x: no such upstream (a)"});
}

TEST_CASE("what looks like a mistake is a warning") {
  CHECK(config_of(two_and({"--route", ".io=a", "--route", "us.gcr.io,example.com=b"})).warnings ==
        Lines{"--route us.gcr.io,example.com=b: us.gcr.io is never reached, --route .io=a comes "
              "first"});
  CHECK(config_of(two_and({"--route", "*=a", "--route", "10.0.0.0/8=b"})).warnings ==
        Lines{"--route 10.0.0.0/8=b: 10.0.0.0/8 is never reached, --route *=a comes first"});
  CHECK(config_of(two_and({"--route", "*=a"})).warnings == Lines{"--upstream b: no route uses it"});
  CHECK(config_of(two_and({"--route", "*:443=a"})).warnings.empty());
  CHECK(config_of(two_and({"--no-proxy", "172.17.*"})).warnings ==
        Lines{"--no-proxy 172.17.*: never matches; a '*' stands alone or first, addresses are "
              "written as in 172.17.0.0/16"});
}

TEST_CASE("a route that names the upstreams of several tunnels has all of them in one tier") {
  using Indices = std::vector<std::size_t>;
  using Tiers = std::vector<Tier>;
  const std::vector<std::string> given = {
      "--tunnel-command", "ssh {port}", "--tunnels",  "2",
      "--upstream",       "a=http://a", "--upstream", "t=socks5://127.0.0.1:{port}",
      "--upstream",       "b=http://b", "--upstream", "c=http://c"};  // 0: a; 1, 2: t; 3: b; 4: c
  const auto read = [&](std::vector<std::string> more) {
    more.insert(more.begin(), given.begin(), given.end());
    return config_of(more);
  };
  const Config config = read({});
  CHECK(config.default_route == Indices{0, 1, 2, 3, 4});
  CHECK(config.default_tiers ==
        Tiers{{1, Balance::order}, {2, Balance::least}, {2, Balance::order}});
  CHECK(config.warnings.empty());

  struct Row {
    const char* names;
    Indices upstreams;
    Tiers tiers;
  };
  const Row rows[] = {
      {"t", {1, 2}, {{2, Balance::least}}},
      {"b,t,c", {3, 1, 2, 4}, {{1, Balance::order}, {2, Balance::least}, {1, Balance::order}}},
      {"sticky:t,b,c", {1, 2, 3, 4}, {{2, Balance::sticky}, {2, Balance::sticky}}},
      {"order:t", {1, 2}, {{2, Balance::order}}},
      // One by one they are as any others.
      {"t-2,t-1", {2, 1}, {{2, Balance::order}}},
      {"fastest:t-2,b", {2, 3}, {{2, Balance::fastest}}},
  };
  for (const Row& row : rows) {
    INFO(row.names);
    const Config routed = read({"--route", "x=" + std::string(row.names)});
    REQUIRE(routed.routes.size() == 1);
    CHECK(routed.routes[0].upstreams == row.upstreams);
    CHECK(routed.routes[0].tiers == row.tiers);
  }
  CHECK(read({"--balance", "fastest", "--route", "x=t"}).routes[0].tiers ==
        Tiers{{2, Balance::fastest}});
  CHECK(read({"--balance", "order"}).default_tiers ==
        Tiers{{1, Balance::order}, {2, Balance::order}, {2, Balance::order}});

  const auto problems = [&](std::string route) {
    std::vector<std::string> arguments = given;
    arguments.insert(arguments.end(), {"--route", std::move(route)});
    return problems_of(arguments);
  };
  CHECK(problems("x=t,t-2") == Lines{"--route x=t,t-2: 't-2' is named twice"});
  CHECK(problems("x=t-2,t") == Lines{"--route x=t-2,t: 't' is named twice"});
  CHECK(problems("x=t-3") ==
        Lines{"--route x=t-3: no upstream is named 't-3' (a, t, t-1, t-2, b, c, direct, deny)"});
}

TEST_CASE("one tunnel is an upstream like any other, and a hop is left out of the default route") {
  const Config one = config_of({"--tunnel-command", "ssh {port}", "--upstream", "b=http://b"});
  CHECK(one.default_tiers == std::vector<Tier>{{2, Balance::order}});
  const Config hop = config_of({"--tunnel-command", "ssh {port}", "--tunnels", "3", "--upstream",
                                "b=http://b?via=tunnel-2"});
  CHECK(hop.default_route == std::vector<std::size_t>{0, 2, 3});
  CHECK(hop.default_tiers == std::vector<Tier>{{2, Balance::least}, {1, Balance::order}});
}
