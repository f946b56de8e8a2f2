// Routes that are balanced: which upstream is dialed, and what is told of it.
#include "dial/route_dial.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/session_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

UpstreamConfig named(const char* name) {
  UpstreamConfig config = socks5();
  config.name = name;
  return config;
}

/// Upstreams a and b beside each other, and c for their failure.
struct LaneScene : RouteScene {
  explicit LaneScene(Balance balance, Log::Level level = Log::Level::info) : RouteScene(level) {
    for (const char* name : {"a", "b", "c"}) add(named(name));
    tiers = {{2, balance}, {1, Balance::order}};
  }
  std::uint32_t open(std::size_t index) const { return upstreams[index]->load->now().open; }
};

}  // namespace

TEST_CASE("the one with less to do is dialed") {
  LaneScene scene(Balance::least);
  scene.upstreams[0]->load->begin();
  scene.grants(1);
  const auto& request = scene.ask_and_wait();
  CHECK(request.connected());
  CHECK(request.dial->current().config.name == "b");
  CHECK(request.dial->chosen_by() == ChosenBy::least);
  CHECK(scene.open(0) == 1);
  CHECK(scene.open(1) == 0);  // what was made of it counts itself
}

TEST_CASE("attempts count, so that requests that begin at once are spread") {
  LaneScene scene(Balance::least);
  // Both are silent until the requests are given up.
  for (const std::size_t index : {0U, 1U}) scene.proxy(index).connects(scene.peer());
  auto& one = scene.ask();
  auto& other = scene.ask();
  CHECK(scene.open(0) == 1);
  CHECK(scene.open(1) == 1);
  CHECK(&one.dial->current() != &other.dial->current());
  one.dial.reset();
  other.dial.reset();
  CHECK(scene.open(0) == 0);
  CHECK(scene.open(1) == 0);
}

TEST_CASE("if the chosen one fails the next of its tier is tried, and then what follows") {
  LaneScene scene(Balance::least);
  scene.upstreams[0]->load->begin();
  scene.proxy(1).fails(ECONNREFUSED);
  SECTION("beside it") {
    scene.grants(0);
    const auto& request = scene.ask_and_wait();
    CHECK(request.dial->current().config.name == "a");
    CHECK(request.dial->chosen_by() == ChosenBy::failover);
  }
  SECTION("behind it") {
    scene.proxy(0).fails(ECONNREFUSED);
    scene.grants(2);
    const auto& request = scene.ask_and_wait();
    CHECK(request.dial->current().config.name == "c");
    CHECK(request.dial->chosen_by() == ChosenBy::failover);
  }
  CHECK(scene.open(0) == 1);
  CHECK(scene.open(1) == 0);
}

TEST_CASE("the debug log tells what each had to do") {
  LaneScene scene(Balance::least, Log::Level::debug);
  scene.upstreams[0]->load->begin();
  scene.grants(1);
  scene.ask_and_wait();
  CHECK_THAT(scene.log_text(),
             Contains("least: b (0 of 0 active), a (1 of 1 active), c (0 of 0 active)"));
}

TEST_CASE("of an upstream that is balanced by it, the time to connect is learned") {
  LaneScene scene(Balance::fastest);
  scene.upstreams[0]->learns_pace = true;
  scene.tiers = {{1, Balance::fastest}};
  scene.upstreams.resize(1);
  scene.grants(0);
  CHECK(scene.ask_and_wait().connected());
  CHECK(scene.upstreams[0]->load->pace().connect);
}

TEST_CASE("the access log says why an upstream was taken, if there was something to choose") {
  Scene scene;
  scene.add(named("a"));
  scene.add(named("b"));
  const bool balanced = GENERATE(false, true);
  RoutingTable table;
  table.otherwise = {{0, 1}, "default", {}};
  if (balanced) table.otherwise.tiers = {{2, Balance::sticky}};
  scene.router.emplace(std::move(table));
  grant(answer_greeting(scene.upstream)).expects_end().ends();
  scene.transport->connects(scene.upstream);
  scene.client.sends(std::string(kConnect)).ends();
  scene.client.expects(std::string(kEstablished));
  scene.start();
  REQUIRE(scene.run());
  if (balanced) {
    CHECK_THAT(scene.access_text(), Contains(":1080 balance=sticky outcome=ok "));
  } else {
    CHECK_THAT(scene.access_text(), !Contains("balance="));
  }
}
