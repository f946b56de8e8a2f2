#include "admin/survey.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a survey sums up what its workers count") {
  Survey survey;
  CHECK(survey.total().bytes.up == 0);
  for (std::size_t i = 0; i < 3; ++i) {
    WorkerFacts worker;
    worker.worker = i;
    worker.bytes = {10, 200};
    worker.tunnels = i;
    worker.counters.stalled = 1;
    worker.upstreams.push_back({"tunnel", {}, {1, 2}, 1});
    survey.workers.push_back(worker);
  }
  const WorkerFacts total = survey.total();
  CHECK(total.bytes.up == 30);
  CHECK(total.bytes.down == 600);
  CHECK(total.tunnels == 3);
  CHECK(total.counters.stalled == 3);
  REQUIRE(total.upstream("tunnel") != nullptr);
  CHECK(total.upstream("tunnel")->bytes.down == 6);
  CHECK(total.upstream("tunnel")->tunnels == 3);
  CHECK(total.upstream("other") == nullptr);
}

TEST_CASE("what several want of a survey is what one of them wants") {
  SurveyWants wants;
  wants += {.sessions = true};
  CHECK(wants.sessions);
  CHECK_FALSE(wants.failures);
  wants += {.failures = true};
  wants += {};
  CHECK(wants.sessions);
  CHECK(wants.failures);
}
