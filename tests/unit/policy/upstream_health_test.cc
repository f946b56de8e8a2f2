#include "policy/upstream_health.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Permit = UpstreamHealth::Permit;

namespace {

constexpr BreakerLimits kExact = {3, 1s, 8s, 0.0};

UpstreamHealth::Time at(std::chrono::milliseconds since_start) {
  return UpstreamHealth::Time() + 1h + since_start;
}

}  // namespace

TEST_CASE("the first failure is news, and so is the success that follows") {
  UpstreamHealth health(kExact);
  CHECK(health.down_for(at(0s)) == 0s);
  CHECK(health.failed(Permit::granted, false, at(0s)).went_down);
  CHECK_FALSE(health.failed(Permit::granted, false, at(1s)).went_down);
  CHECK(health.down_for(at(5s)) == 5s);
  const auto change = health.succeeded(Permit::granted, at(6s), {});
  CHECK(change.back_after == 6s);
  CHECK_FALSE(change.closed);
  CHECK(health.down_for(at(7s)) == 0s);
  CHECK_FALSE(health.succeeded(Permit::granted, at(7s), {}).back_after.has_value());
}

TEST_CASE("a clock that is a turn behind sees no negative time") {
  UpstreamHealth health(kExact);
  health.failed(Permit::granted, false, at(10ms));
  CHECK(health.down_for(at(0ms)) == 0ms);
  CHECK(health.succeeded(Permit::granted, at(0ms), {}).back_after == 0ms);
}

TEST_CASE("three failures open the breaker for so long, and one trial at a time closes it") {
  UpstreamHealth health(kExact);
  CHECK_FALSE(health.failed(Permit::granted, false, at(0s)).open_for.has_value());
  CHECK_FALSE(health.failed(Permit::granted, false, at(0s)).open_for.has_value());
  CHECK(health.failed(Permit::granted, false, at(0s)).open_for == 1s);
  CHECK_FALSE(health.view(at(0s)).is_preferred());
  CHECK(health.view(at(1s)).is_preferred());
  CHECK(health.begin_attempt(at(1s)) == Permit::trial);
  CHECK_FALSE(health.view(at(1s)).is_preferred());
  // Where nothing better is left it is tried all the same, and the outcome counts.
  CHECK(health.begin_attempt(at(1s)) == Permit::granted);
  SECTION("the trial fails") {
    CHECK(health.failed(Permit::trial, false, at(2s)).open_for == 2s);
    CHECK_FALSE(health.view(at(3s)).is_preferred());
  }
  SECTION("the trial is given up: the next one to ask makes another") {
    health.abandoned(Permit::trial);
    CHECK(health.begin_attempt(at(2s)) == Permit::trial);
  }
  SECTION("the trial succeeds") {
    CHECK(health.succeeded(Permit::trial, at(2s), {}).closed);
    CHECK(health.view(at(2s)).is_preferred());
  }
  SECTION("another attempt succeeds") {
    CHECK(health.succeeded(Permit::granted, at(2s), {}).closed);
    CHECK(health.begin_attempt(at(2s)) == Permit::granted);
  }
}

TEST_CASE("an upstream that fails slowly is not tried while its breaker is open") {
  UpstreamHealth health(kExact);
  for (int i = 0; i < 3; ++i) health.failed(Permit::granted, true, at(0s));
  CHECK_FALSE(health.view(at(0s)).may_be_tried());
  CHECK(health.view(at(1s)).may_be_tried());
  // The last failure decides.
  health.failed(Permit::granted, false, at(0s));
  CHECK(health.view(at(0s)).may_be_tried());
}

TEST_CASE("requests for three targets that go unanswered count as a failure") {
  UpstreamHealth health(kExact);
  CHECK_FALSE(health.unanswered(Permit::granted, "a:1", at(0s), at(1s)).has_value());
  CHECK_FALSE(health.unanswered(Permit::granted, "a:1", at(0s), at(1s)).has_value());
  CHECK_FALSE(health.unanswered(Permit::granted, "b:1", at(0s), at(1s)).has_value());
  CHECK_FALSE(health.is_silent());
  SECTION("a third one") {
    const auto change = health.unanswered(Permit::granted, "c:1", at(0s), at(1s));
    REQUIRE(change.has_value());
    CHECK(change->went_down);
    CHECK(change->open_for == 1s);
    CHECK(health.is_silent());
    // It is still tried where nothing better is left.
    CHECK(health.view(at(1s)).may_be_tried());
    health.replied(at(2s));
    CHECK_FALSE(health.is_silent());
  }
  SECTION("a reply between them") {
    health.replied(at(2s));
    CHECK_FALSE(health.unanswered(Permit::granted, "c:1", at(3s), at(4s)).has_value());
    CHECK_FALSE(health.is_silent());
  }
  SECTION("a reply while the attempt was waiting") {
    health.replied(at(2s));
    for (const char* target : {"c:1", "d:1", "e:1"}) {
      CHECK_FALSE(health.unanswered(Permit::granted, target, at(1s), at(4s)).has_value());
    }
    CHECK_FALSE(health.is_silent());
  }
  SECTION("a target that another upstream reached") {
    CHECK_FALSE(health.target_was_reached("a:1", at(2s)).has_value());
    const auto change = health.unanswered(Permit::granted, "a:1", at(3s), at(4s));
    CHECK(change.has_value());
    CHECK(health.is_silent());
  }
}

TEST_CASE("three requests for one target that others reach are enough") {
  UpstreamHealth health(kExact);
  for (int i = 0; i < 2; ++i) {
    health.unanswered(Permit::granted, "a:1", at(0s), at(1s));
    CHECK_FALSE(health.target_was_reached("a:1", at(1s)).has_value());
  }
  health.unanswered(Permit::granted, "a:1", at(0s), at(1s));
  CHECK(health.is_silent());
  // It has counted already.
  CHECK_FALSE(health.target_was_reached("a:1", at(1s)).has_value());
}

TEST_CASE("a failed probe makes others preferred, and is news once") {
  UpstreamHealth health(kExact);
  CHECK_FALSE(health.probe_passed());
  CHECK(health.probe_failed());
  CHECK_FALSE(health.probe_failed());
  CHECK_FALSE(health.view(at(0s)).is_preferred());
  CHECK(health.view(at(0s)).may_be_tried());
  SECTION("until one passes, which is news, too") {
    CHECK(health.probe_passed());
    CHECK_FALSE(health.probe_passed());
    CHECK(health.view(at(0s)).is_preferred());
  }
  SECTION("until a client's connection comes through") {
    health.succeeded(Permit::granted, at(0s), {.connected = true});
    CHECK(health.view(at(0s)).is_preferred());
    CHECK(health.probe_passed());
  }
  SECTION("until nobody probes") {
    health.clear_probe();
    CHECK(health.view(at(0s)).is_preferred());
    CHECK_FALSE(health.probe_passed());
  }
}

TEST_CASE("a probe's failure that failed() reports is no news of its own") {
  UpstreamHealth health(kExact);
  health.probe_failed_quietly();
  CHECK_FALSE(health.view(at(0s)).is_preferred());
  CHECK_FALSE(health.probe_passed());
}

TEST_CASE("where there is a choice, a trial that is under way is the only attempt") {
  UpstreamHealth health(kExact);
  CHECK(health.try_attempt(at(0s)) == Permit::granted);
  for (int i = 0; i < 3; ++i) health.failed(Permit::granted, false, at(0s));
  CHECK(health.try_attempt(at(0s)) == Permit::refused);
  CHECK(health.try_attempt(at(1s)) == Permit::trial);
  CHECK(health.try_attempt(at(1s)) == Permit::refused);
  health.abandoned(Permit::trial);
  CHECK(health.try_attempt(at(1s)) == Permit::trial);
}

TEST_CASE("no more attempts go on alone than a proof takes, whichever worker has them") {
  UpstreamHealth health(kExact);
  for (int i = 0; i < 3; ++i) CHECK(health.add_straggler());
  CHECK_FALSE(health.add_straggler());
  health.remove_straggler();
  CHECK(health.add_straggler());
}

TEST_CASE("a client's connection is as good as a passed probe, unless grants prove nothing") {
  UpstreamHealth health(kExact);
  const bool although_granted = GENERATE(true, false);
  CHECK(health.probe_failed(although_granted));
  health.succeeded(Permit::granted, at(0s), {.connected = true});
  CHECK(health.view(at(0s)).is_preferred() != although_granted);
  SECTION("the next probe fails for another reason") {
    health.probe_failed();
    health.succeeded(Permit::granted, at(0s), {.connected = true});
    CHECK(health.view(at(0s)).is_preferred());
  }
  SECTION("the next probe passes") {
    CHECK(health.probe_passed());
    CHECK(health.view(at(0s)).is_preferred());
  }
  SECTION("probing has ended") {
    health.clear_probe();
    CHECK(health.view(at(0s)).is_preferred());
  }
}

TEST_CASE("early grants are counted, and worth a line once a minute") {
  UpstreamHealth health(kExact);
  CHECK(health.early_grant("", at(0s)) == 1u);
  CHECK_FALSE(health.early_grant("", at(59s)).has_value());
  CHECK(health.early_grant("", at(60s)) == 3u);
  CHECK(health.early_grants() == 3);
}

TEST_CASE("workers that learn at the same time lose nothing") {
  UpstreamHealth health(kExact);
  constexpr int kThreads = 4;
  constexpr int kEach = 2'000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        health.early_grant("", at(std::chrono::milliseconds(n)));
        const auto permit = health.begin_attempt(at(std::chrono::milliseconds(n)));
        if (n % 2 == 0) {
          health.failed(permit, false, at(std::chrono::milliseconds(n)));
        } else {
          health.succeeded(permit, at(std::chrono::milliseconds(n)), {});
        }
        static_cast<void>(health.view(at(std::chrono::milliseconds(n))));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(health.early_grants() == kThreads * kEach);
  health.succeeded(Permit::trial, at(1h), {});
  CHECK(health.view(at(1h)).is_preferred());
}

TEST_CASE("after a stall others are preferred for a minute, and the first of some is news") {
  UpstreamHealth health(kExact);
  CHECK_FALSE(health.last_stall().has_value());
  CHECK(health.stalled(at(0s), at(30s)));
  CHECK(health.last_stall() == at(0s));
  CHECK_FALSE(health.stalled(at(5s), at(35s)));
  CHECK(health.last_stall() == at(5s));
  CHECK(health.view(at(94s)).stalls);
  CHECK_FALSE(health.view(at(94s)).is_preferred());
  CHECK(health.view(at(94s)).may_be_tried());
  // A success proves nothing: a port that accepts is part of the matter.
  health.succeeded(Permit::granted, at(40s), {.replied = true, .connected = true});
  CHECK(health.view(at(94s)).stalls);
  CHECK_FALSE(health.view(at(95s)).stalls);
  CHECK(health.stalled(at(60s), at(95s)));
}

TEST_CASE("a report says how the upstream is") {
  UpstreamHealth health(kExact);
  using State = UpstreamHealth::BreakerState;
  CHECK_FALSE(health.report(at(0s)).has_worked);
  CHECK_FALSE(health.report(at(0s)).down_for);
  CHECK(health.report(at(0s)).breaker == State::closed);
  for (int i = 0; i < 3; ++i) health.failed(Permit::granted, false, at(0s));
  CHECK(health.report(at(900ms)).down_for == 900ms);
  CHECK(health.report(at(900ms)).breaker == State::open);
  CHECK(health.report(at(1s)).breaker == State::half_open);
  CHECK(health.try_attempt(at(1s)) == Permit::trial);
  CHECK(health.report(at(1s)).breaker == State::half_open);
  health.succeeded(Permit::trial, at(1s), {});
  CHECK(health.report(at(2s)).breaker == State::closed);
  CHECK(health.report(at(2s)).has_worked);
  CHECK_FALSE(health.report(at(2s)).down_for);
}

TEST_CASE("a report has the last probe, for which a client's connection may stand") {
  UpstreamHealth health(kExact);
  using Probe = UpstreamHealth::Probe;
  CHECK(health.report(at(0s)).probe == Probe::none);
  health.probe_passed();
  CHECK(health.report(at(0s)).probe == Probe::passed);
  health.probe_failed();
  CHECK(health.report(at(0s)).probe == Probe::failed);
  health.succeeded(Permit::granted, at(0s), {.connected = true});
  CHECK(health.report(at(0s)).probe == Probe::passed);
  health.clear_probe();
  CHECK(health.report(at(0s)).probe == Probe::none);
}

TEST_CASE("a report has the last sixty times to connect, the oldest first") {
  UpstreamHealth health(kExact);
  health.succeeded(Permit::granted, at(0s), {.connected = true});
  CHECK(health.report(at(0s)).connects.empty());
  for (int i = 0; i < 150; ++i) {
    health.succeeded(Permit::granted, at(0s), {.connected = true, .took = i * 1ms});
    const auto times = health.report(at(0s)).connects;
    REQUIRE(times.size() == std::min<std::size_t>(static_cast<std::size_t>(i) + 1, 60));
    CHECK(times.front() == std::max(i - 59, 0) * 1ms);
    CHECK(times.back() == i * 1ms);
  }
}

TEST_CASE("an upstream that is marked down is not tried, whatever it shows, until that is undone") {
  UpstreamHealth health(kExact);
  CHECK_FALSE(health.is_marked_down());
  CHECK_FALSE(health.mark_down(false));
  CHECK(health.mark_down(true));
  CHECK_FALSE(health.mark_down(true));
  CHECK(health.is_marked_down());
  CHECK(health.view(at(0s)).marked_down);
  CHECK_FALSE(health.view(at(0s)).is_preferred());
  CHECK_FALSE(health.view(at(0s)).may_be_tried());
  health.succeeded(Permit::granted, at(1s), {.replied = true, .connected = true});
  health.probe_passed();
  CHECK_FALSE(health.view(at(1h)).may_be_tried());
  CHECK(health.mark_down(false));
  CHECK(health.view(at(1h)).is_preferred());
}
