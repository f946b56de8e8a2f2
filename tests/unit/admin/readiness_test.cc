#include "admin/readiness.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using State = UpstreamFacts::State;

namespace {

UpstreamFacts upstream(const std::string& name, State state, std::string reason = {}) {
  UpstreamFacts facts;
  facts.name = name;
  facts.default_route = true;
  facts.state = state;
  facts.reason = std::move(reason);
  return facts;
}

}  // namespace

TEST_CASE("it is ready as long as one upstream of the default route may work") {
  const Survey survey;
  CHECK(not_ready_reason(survey, {}).empty());
  CHECK(not_ready_reason(survey, {upstream("a", State::unknown)}).empty());
  CHECK(not_ready_reason(survey, {upstream("a", State::down), upstream("b", State::up)}).empty());
  CHECK(not_ready_reason(survey, {upstream("a", State::marked_down), upstream("b", State::unknown)})
            .empty());
}

TEST_CASE("it is not ready when all of them are down") {
  const Survey survey;
  CHECK(not_ready_reason(survey, {upstream("a", State::down, "a does not answer")}) ==
        "the upstream of the default route is down: a does not answer");
  CHECK(not_ready_reason(survey, {upstream("a", State::marked_down)}) ==
        "the upstream of the default route is down: a is down");
  CHECK(not_ready_reason(survey, {upstream("a", State::down, "a does not answer"),
                                  upstream("b", State::marked_down)}) ==
        "every upstream of the default route is down: a does not answer; b is down");
}

TEST_CASE("an upstream of other routes does not count") {
  auto other = upstream("other", State::up);
  other.default_route = false;
  const Survey survey;
  CHECK(not_ready_reason(survey, {other, upstream("a", State::down, "why")}) ==
        "the upstream of the default route is down: why");
  other.state = State::down;
  CHECK(not_ready_reason(survey, {other}).empty());
  CHECK(not_ready_reason(survey, {other, upstream("a", State::up)}).empty());
}

TEST_CASE("what drains is not ready, whatever its upstreams are") {
  Survey survey;
  survey.draining = true;
  CHECK(not_ready_reason(survey, {upstream("a", State::up)}) ==
        "draining: no new connections are served");
  CHECK(not_ready_reason(survey, {upstream("a", State::down)}) ==
        "draining: no new connections are served");
}

TEST_CASE("a worker that does not answer is not healthy") {
  Survey survey;
  survey.taken = Loop::Clock::time_point(100s);
  CHECK(unhealthy_reason(survey).empty());
  survey.silent.push_back({0, Loop::Clock::time_point(98'500ms)});
  CHECK(unhealthy_reason(survey) == "the loop of worker 0 has not turned for 1 s");
  survey.silent.push_back({3, Loop::Clock::time_point(70s)});
  CHECK(unhealthy_reason(survey) ==
        "the loop of worker 0 has not turned for 1 s; the loop of worker 3 has not turned for 30 "
        "s");
}
