#include "server/upstream_facts.h"

#include <string>
#include <variant>
#include <vector>

#include "options/command_line.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using State = UpstreamFacts::State;

namespace {

/// A configuration, and what one worker makes of it.
struct World {
  explicit World(const std::vector<std::string>& arguments) {
    std::vector<std::string> problems;
    ruleset = make_ruleset(std::get<Config>(parse_command_line(arguments)), problems);
    REQUIRE(problems.empty());
    upstreams = make_upstreams(*ruleset, loop, "culvert-test");
  }
  UpstreamFacts facts(std::size_t index = 0) const {
    return upstream_facts(*ruleset, loop.now() + 5s)[index];
  }

  ManualClock clock;
  Loop loop{&clock};
  Log log{-1, -1, Log::Level::error, Log::Format::text};
  std::unique_ptr<Ruleset> ruleset;
  std::vector<std::unique_ptr<Upstream>> upstreams;
};

const Error kTimedOut{Errc::connection_timeout, Side::upstream, 0, "upstream a timed out"};

}  // namespace

TEST_CASE("each upstream is told as it is configured") {
  const World world({"--upstream", "a=socks5://user:secret@h:1", "--upstream", "b=https://h?warm=3",
                     "--upstream", "c=socks4a://h", "--upstream", "d=http://h", "--upstream",
                     "direct", "--route", "x.example=a", "--route", "*=b,c", "--route", "*=d"});
  const auto all = upstream_facts(*world.ruleset, world.loop.now());
  REQUIRE(all.size() == 5);
  std::string names;
  std::string kinds;
  std::string routes;
  for (const UpstreamFacts& one : all) {
    names += one.name + " ";
    kinds += std::string(one.kind) + " ";
    routes += one.default_route ? '1' : '0';
    CHECK(one.state == State::unknown);
    CHECK(one.reason.empty());
    CHECK_FALSE(one.down_for);
    CHECK(one.warm_ready == 0);
  }
  CHECK(names == "a b c d direct ");
  CHECK(kinds == "socks5 https socks4a http direct ");
  CHECK(routes == "01100");
  CHECK(all[0].label == "socks5://h:1");
  CHECK(all[1].warm_wanted == 3);
  CHECK(all[0].warm_wanted == 0);
}

TEST_CASE("an upstream that went down is told with why, until it works") {
  World world({"--upstream", "a=socks5://h"});
  Upstream& upstream = *world.upstreams[0];
  const auto now = world.loop.now();
  upstream.failed(Breaker::Permit::granted, kTimedOut, now, world.log);
  Error later = kTimedOut;
  later.text = "something else";
  for (int i = 0; i < 2; ++i) {
    upstream.failed(Breaker::Permit::granted, later, now + 1s, world.log);
  }
  UpstreamFacts facts = world.facts();
  CHECK(facts.state == State::down);
  CHECK(facts.reason == "upstream a timed out");
  CHECK(facts.down_for == 5s);
  CHECK(facts.breaker != UpstreamHealth::BreakerState::closed);
  upstream.succeeded(Breaker::Permit::granted, {.replied = true, .connected = true, .took = 3ms},
                     now + 2s, world.log);
  facts = world.facts();
  CHECK(facts.state == State::up);
  CHECK(facts.reason.empty());
  CHECK(facts.breaker == UpstreamHealth::BreakerState::closed);
  CHECK(facts.connects == std::vector<std::chrono::nanoseconds>{3ms});
}

TEST_CASE("an upstream whose probe fails is down as well") {
  World world({"--upstream", "a=socks5://h"});
  Upstream& upstream = *world.upstreams[0];
  upstream.succeeded(Breaker::Permit::granted, {}, world.loop.now(), world.log);
  upstream.health->probe_failed();
  upstream.memory->probe_failed("probe: no byte came back", world.loop.now() + 1s);
  UpstreamFacts facts = world.facts();
  CHECK(facts.state == State::down);
  CHECK(facts.probe == UpstreamHealth::Probe::failed);
  CHECK(facts.reason == "probe: no byte came back");
  CHECK(facts.down_for == 4s);
  upstream.health->probe_passed();
  upstream.memory->probe_passed();
  facts = world.facts();
  CHECK(facts.state == State::up);
  CHECK(facts.probe == UpstreamHealth::Probe::passed);
  CHECK_FALSE(facts.down_for);
}

TEST_CASE("that an upstream is marked down counts more than how it is") {
  World world({"--upstream", "a=socks5://h"});
  Upstream& upstream = *world.upstreams[0];
  upstream.succeeded(Breaker::Permit::granted, {}, world.loop.now(), world.log);
  upstream.health->mark_down(true);
  CHECK(world.facts().state == State::marked_down);
  CHECK(world.facts().reason == "upstream a is marked down by an administrator");
  upstream.failed(Breaker::Permit::granted, kTimedOut, world.loop.now(), world.log);
  CHECK(world.facts().state == State::marked_down);
  upstream.health->mark_down(false);
  CHECK(world.facts().state == State::down);
  CHECK(world.facts().reason == "upstream a timed out");
}

TEST_CASE("tunnels that were granted too early are told") {
  World world({"--upstream", "a=socks5://h"});
  world.upstreams[0]->closed_after_success("x:1", true, world.loop.now(), world.log);
  CHECK(world.facts().false_successes == 1);
}

TEST_CASE("what is known of an upstream outlives a reload, the reason too") {
  World before({"--upstream", "a=socks5://h"});
  before.upstreams[0]->failed(Breaker::Permit::granted, kTimedOut, before.loop.now(), before.log);
  World after({"--upstream", "direct", "--upstream", "a=socks5://h"});
  after.ruleset->keep_from(*before.ruleset);
  CHECK(after.facts(0).state == State::unknown);
  CHECK(after.facts(1).state == State::down);
  CHECK(after.facts(1).reason == "upstream a timed out");
}

TEST_CASE("each state has a name") {
  CHECK(name_of(State::unknown) == "unknown");
  CHECK(name_of(State::marked_down) == "marked_down");
  CHECK(name_of(UpstreamHealth::BreakerState::half_open) == "half_open");
  CHECK(name_of(UpstreamHealth::Probe::passed) == "passed");
}
