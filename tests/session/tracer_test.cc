// Which sessions of a worker are traced, and what their traces are told.
#include "session/tracer.h"

#include <memory>
#include <string>
#include <vector>

#include "net/manual_clock.h"
#include "support/catch.h"
#include "support/memory_file.h"

using namespace culvert;
using namespace culvert::test;

namespace {

struct Traced {
  std::shared_ptr<TraceOrder> order(std::size_t sessions = 10) {
    std::string problem;
    return std::make_shared<TraceOrder>(
        std::vector<TargetPattern>{*TargetPattern::parse("gcr.io", problem)}, sessions,
        [this](const TraceStep& step, Log&) { steps.push_back(step); });
  }
  /// Of each step, "session+milliseconds text", the last one with a '.'.
  std::vector<std::string> texts() const {
    std::vector<std::string> out;
    for (const TraceStep& step : steps) {
      out.push_back(std::to_string(step.session) + "+" +
                    std::to_string(step.after.count() / 1'000) + " " + step.text +
                    (step.last ? "." : ""));
    }
    return out;
  }

  ManualClock clock;
  Loop loop{&clock};
  MemoryFile file;
  Log log{file.fd(), -1, Log::Level::info, Log::Format::text};
  TraceBoard board;
  Tracer tracer{loop, log, board};
  HostPort gcr = HostPort::parse("gcr.io:443").value();
  std::vector<TraceStep> steps;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a session that nobody wants has no trace") {
  Traced scene;
  CHECK(scene.tracer.consider(1, scene.gcr) == nullptr);
  scene.board.add(scene.order());
  CHECK(scene.tracer.wants());
  CHECK(scene.tracer.consider(1, HostPort::parse("quay.io:443").value()) == nullptr);
}

TEST_CASE("the steps of a session come with their times, and end") {
  Traced scene;
  scene.board.add(scene.order(2));
  SessionTrace* const trace = scene.tracer.consider(5, scene.gcr);
  REQUIRE(trace != nullptr);
  CHECK(&scene.tracer.of(5) == trace);
  trace->step("one");
  scene.clock.advance(std::chrono::milliseconds(1'500));
  trace->step("two");
  const auto kept = trace->shared_from_this();
  scene.tracer.end(5, "over");
  kept->step("late");
  CHECK(scene.texts() == Texts{"5+0 one", "5+1500 two", "5+1500 over."});
  REQUIRE(scene.tracer.consider(6, scene.gcr) != nullptr);
  CHECK(scene.tracer.consider(7, scene.gcr) == nullptr);
  scene.tracer.end(6, "over");
}

TEST_CASE("several see one session, and each sees it once") {
  Traced scene;
  scene.board.add(scene.order());
  scene.tracer.consider(5, scene.gcr)->step("first");
  const auto late = scene.order();
  scene.tracer.follow(5, late);
  scene.tracer.follow(5, late).step("second");
  late->close();
  scene.tracer.of(5).step("third");
  scene.tracer.end(5, "over");
  CHECK(scene.texts() == Texts{"5+0 first", "5+0 second", "5+0 second", "5+0 third", "5+0 over."});
}

TEST_CASE("who comes later sees a session that others see already, once it asks again") {
  Traced scene;
  scene.board.add(scene.order(1));
  REQUIRE(scene.tracer.consider(5, scene.gcr) != nullptr);
  const auto late = scene.order(3);
  scene.board.add(late);
  scene.tracer.consider(5, scene.gcr)->step("request");
  // It counts once for each.
  scene.tracer.consider(5, scene.gcr)->step("another");
  CHECK(scene.texts() == Texts{"5+0 request", "5+0 request", "5+0 another", "5+0 another"});
  scene.tracer.end(5, "over");
  for (const std::uint64_t session : {6U, 7U}) {
    REQUIRE(scene.tracer.consider(session, scene.gcr) != nullptr);
    scene.tracer.end(session, "over");
  }
  CHECK(scene.tracer.consider(8, scene.gcr) == nullptr);
}

TEST_CASE("a trace has so many steps, and then its end") {
  Traced scene;
  scene.board.add(scene.order());
  SessionTrace& trace = *scene.tracer.consider(5, scene.gcr);
  for (std::size_t i = 0; i < SessionTrace::kMostSteps + 10; ++i) trace.step("step");
  scene.tracer.end(5, "over");
  const Texts texts = scene.texts();
  REQUIRE(texts.size() == SessionTrace::kMostSteps + 2);
  CHECK(texts[SessionTrace::kMostSteps] == "5+0 more steps are left out");
  CHECK(texts.back() == "5+0 over.");
}
