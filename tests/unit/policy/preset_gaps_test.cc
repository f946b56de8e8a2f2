#include "policy/preset_gaps.h"

#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

const std::optional<IpAddress> kDocker = IpAddress::parse("192.0.2.1");
const std::optional<IpAddress> kDesktop = IpAddress::parse("192.0.2.2");
const std::optional<IpAddress> kUnixSocket;

RouteRule rule(const std::string& patterns, std::vector<std::size_t> upstreams) {
  std::vector<std::string> problems;
  RouteRule rule{parse_target_patterns(patterns, problems), {std::move(upstreams), patterns}};
  REQUIRE(problems.empty());
  return rule;
}

/// k8s and ghcr go through upstream 1, what no rule has through upstream 0.
struct Scene {
  explicit Scene(const std::string& own_rule = "intra.example", std::vector<std::size_t> to = {0})
      : Scene([&] {
          RoutingTable table;
          table.no_proxy = NoProxy("corp.example");
          table.direct = {{2}, "--no-proxy"};
          table.rules.push_back(rule("preset:k8s,preset:ghcr", {1}));
          table.rules.push_back(rule(own_rule, std::move(to)));
          table.otherwise = {{0, 1}, "default"};
          return table;
        }()) {}
  explicit Scene(RoutingTable table) : router(std::move(table)) {}

  std::string ask(const std::string& target, const std::optional<IpAddress>& client = kDocker) {
    return gaps.note(client, HostPort::parse(target).value(), now).value_or("");
  }

  Router router;
  PresetGaps gaps{router, {{{find_preset("k8s"), find_preset("ghcr")}, {1}, "tunnel"}}};
  PresetGaps::Time now{100s};
};

}  // namespace

TEST_CASE("a host that is asked for soon after a registry is reported, once") {
  Scene scene;
  CHECK(scene.ask("registry.k8s.io:443") == "");
  scene.now += 3s;
  CHECK(scene.ask("xyz.example.net:443") ==
        "pulls from registry.k8s.io may need xyz.example.net:443 as well, which preset:k8s does "
        "not name: --route xyz.example.net:443=tunnel");
  CHECK(scene.ask("xyz.example.net:443") == "");
  scene.now += 2s;
  CHECK(scene.ask("ghcr.io:443") == "");
  CHECK(scene.ask("xyz.example.net:443") == "");
  CHECK(scene.ask("abc.example.net:8443")
            .starts_with("pulls from ghcr.io may need abc.example.net:8443 as well, which "
                         "preset:ghcr does not"));
}

TEST_CASE("without a registry before it a host is not reported") {
  Scene scene;
  CHECK(scene.ask("xyz.example.net:443") == "");
  CHECK(scene.ask("registry.k8s.io:443") == "");
  SECTION("it was another client's") {
    CHECK(scene.ask("xyz.example.net:443", kDesktop) == "");
    CHECK(scene.ask("xyz.example.net:443", kUnixSocket) == "");
  }
  SECTION("it was long ago") {
    scene.now += 10s + 1ms;
    CHECK(scene.ask("xyz.example.net:443") == "");
  }
  SECTION("what keeps its blobs is not the registry") {
    scene.now += 11s;
    CHECK(scene.ask("bucket.amazonaws.com:443") == "");
    CHECK(scene.ask("xyz.example.net:443") == "");
  }
  CHECK(scene.ask("registry.k8s.io:443") == "");
  scene.now += 10s;
  CHECK(scene.ask("xyz.example.net:443") != "");
}

TEST_CASE("clients of a unix socket count as one") {
  Scene scene;
  scene.ask("registry.k8s.io:443", kUnixSocket);
  CHECK(scene.ask("xyz.example.net:443", kUnixSocket) != "");
}

TEST_CASE("a host that something names is not reported") {
  Scene scene(".mirror.example,10.0.0.0/8", {0});
  scene.ask("registry.k8s.io:443");
  CHECK(scene.ask("bucket.amazonaws.com:443") == "");  // the preset
  CHECK(scene.ask("cdn01.quay.io:443") == "");         // one that is not in use
  CHECK(scene.ask("eu.mirror.example:443") == "");     // a rule
  CHECK(scene.ask("git.corp.example:443") == "");      // --no-proxy
  CHECK(scene.ask("10.1.2.3:443") == "");
  CHECK(scene.ask("198.51.100.7:443") == "");  // an address is no registry's host
}

TEST_CASE("a rule that denies a host names it, one for all hosts does not") {
  Scene scene("tracker.example", {});
  scene.ask("registry.k8s.io:443");
  CHECK(scene.ask("tracker.example:443") == "");
  Scene strict("*", {});
  strict.ask("registry.k8s.io:443");
  CHECK(strict.ask("tracker.example:443") != "");
}

TEST_CASE("a host that goes the way of the registry anyhow is not reported") {
  Scene scene("*", {1});
  scene.ask("registry.k8s.io:443");
  CHECK(scene.ask("xyz.example.net:443") == "");
}

TEST_CASE("the memory is bounded: beyond it, silence") {
  Scene scene;
  scene.ask("registry.k8s.io:443");
  std::size_t reported = 0;
  for (int i = 0; i < 200; ++i) {
    if (!scene.ask("h" + std::to_string(i) + ".example:443").empty()) ++reported;
  }
  CHECK(reported == PresetGaps::kMostReported);
}

TEST_CASE("of too many clients the one that pulled longest ago is forgotten") {
  Scene scene;
  const auto client = [](std::size_t i) { return IpAddress::parse("10.0.0." + std::to_string(i)); };
  for (std::size_t i = 1; i <= PresetGaps::kMostClients + 1; ++i) {
    scene.now += 1ms;
    scene.ask("registry.k8s.io:443", client(i));
  }
  CHECK(scene.ask("xyz.example.net:443", client(1)) == "");
  CHECK(scene.ask("xyz.example.net:443", client(2)) != "");
}

TEST_CASE("a reload remembers what was reported") {
  Scene before, after;
  before.ask("registry.k8s.io:443");
  CHECK(before.ask("xyz.example.net:443") != "");
  after.gaps.keep_reported(before.gaps);
  after.ask("registry.k8s.io:443");
  CHECK(after.ask("xyz.example.net:443") == "");
  CHECK(after.ask("abc.example.net:443") != "");
}

TEST_CASE("workers ask side by side, and one reports") {
  Scene scene;
  scene.ask("registry.k8s.io:443");
  std::vector<std::string> told(4);
  std::vector<std::thread> workers;
  for (std::string& one : told) {
    workers.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        scene.ask("registry.k8s.io:443", kDesktop);
        one += scene.ask("xyz.example.net:443");
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(std::count_if(told.begin(), told.end(), [](const auto& one) { return !one.empty(); }) == 1);
}
