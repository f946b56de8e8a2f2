// Which of two HTTP upstreams a plain request takes, on a connection that has one to the second.
#include <string>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

RouteRule rule(std::string_view pattern, std::vector<std::size_t> upstreams) {
  std::string problem;
  RouteRule out;
  out.patterns.push_back(TargetPattern::parse(pattern, problem).value());
  out.route = {std::move(upstreams), "--route " + std::string(pattern)};
  return out;
}

/// Upstreams a (0) and b (1), and a client whose first request, for b-first.test, went to b.
struct TwoWays {
  TwoWays() {
    first = &add("a:1");
    add("b:1");
    RoutingTable table;
    table.rules = {rule("a-first.test", {0, 1}), rule("also-b.test", {1, 0}),
                   rule("only-a.test", {0})};
    table.otherwise = {{1, 0}, "--route *"};
    scene.router.emplace(std::move(table));
    scene.transport->connects(scene.upstream).connects(second);
    scene.start();
    ask("b-first.test");
    scene.upstream.sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    settle(scene.loop);
  }

  Upstream& add(const char* address) {
    UpstreamConfig config = http();
    config.address = HostPort::parse(address).value();
    return scene.add(std::move(config));
  }

  std::vector<std::string> ask(const std::string& target) {
    scene.client.sends("GET http://" + target + "/ HTTP/1.1\r\nHost: " + target + "\r\n\r\n");
    settle(scene.loop);
    return scene.transport->requested();
  }

  Scene scene;
  Peer second{scene.loop};
  Upstream* first = nullptr;
};

}  // namespace

TEST_CASE("a kept connection to an HTTP upstream serves other targets of the same route") {
  TwoWays ways;
  CHECK(ways.ask("another.test") == std::vector<std::string>{"b:1"});
}

TEST_CASE("and of routes that would try that upstream first") {
  TwoWays ways;
  CHECK(ways.ask("also-b.test") == std::vector<std::string>{"b:1"});
}

TEST_CASE("but it does not override the order of a route") {
  TwoWays ways;
  CHECK(ways.ask(GENERATE("a-first.test", "only-a.test")) ==
        std::vector<std::string>{"b:1", "a:1"});
}

TEST_CASE("an upstream that is down is not what a route would try first") {
  TwoWays ways;
  ways.first->health->probe_failed();
  CHECK(ways.ask("a-first.test") == std::vector<std::string>{"b:1"});
}
