#include "policy/breaker.h"

#include <chrono>
#include <cstdint>
#include <set>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;
using Permit = Breaker::Permit;

namespace {

constexpr BreakerLimits kExact = {3, 1s, 8s, 0.0};

Breaker::Time at(std::chrono::milliseconds since_start) {
  return Breaker::Time() + 1h + since_start;
}

/// Fails `count` attempts in a row at `now`.
void fail(Breaker& breaker, unsigned count, Breaker::Time now) {
  for (unsigned i = 0; i < count; ++i) breaker.failed(breaker.ask(now), now);
}

}  // namespace

TEST_CASE("failures in a row open it, a success between them does not count as one") {
  Breaker breaker(kExact);
  fail(breaker, 2, at(0s));
  CHECK(breaker.ask(at(0s)) == Permit::granted);
  breaker.succeeded(Permit::granted, at(0s));
  fail(breaker, 2, at(1s));
  CHECK_FALSE(breaker.is_open(at(1s)));
  fail(breaker, 1, at(2s));
  CHECK(breaker.is_open(at(2s)));
  CHECK(breaker.ask(at(2s)) == Permit::refused);
  CHECK(breaker.ask(at(2999ms)) == Permit::refused);
}

TEST_CASE("after the wait one attempt finds out") {
  Breaker breaker(kExact);
  fail(breaker, 3, at(0s));
  CHECK(breaker.next_trial() == at(1s));
  CHECK_FALSE(breaker.is_open(at(1s)));
  CHECK(breaker.ask(at(1s)) == Permit::trial);
  CHECK(breaker.ask(at(1s)) == Permit::refused);
  CHECK(breaker.ask(at(100s)) == Permit::refused);  // as long as the trial takes

  breaker.succeeded(Permit::trial, at(2s));
  CHECK(breaker.ask(at(2s)) == Permit::granted);
  CHECK(breaker.ask(at(2s)) == Permit::granted);
  CHECK_FALSE(breaker.next_trial().has_value());
}

TEST_CASE("the wait doubles up to its limit and begins anew after a success") {
  Breaker breaker(kExact);
  fail(breaker, 3, at(0s));
  auto now = at(0s);
  for (const auto wait : {1s, 2s, 4s, 8s, 8s, 8s}) {
    CHECK(*breaker.next_trial() - now == wait);
    now += wait;
    CHECK(breaker.ask(now - 1ms) == Permit::refused);
    REQUIRE(breaker.ask(now) == Permit::trial);
    breaker.failed(Permit::trial, now);
  }
  now = *breaker.next_trial();
  breaker.succeeded(breaker.ask(now), now);
  fail(breaker, 3, now);
  CHECK(*breaker.next_trial() - now == 1s);
}

TEST_CASE("a trial without a result leaves room for another at once") {
  Breaker breaker(kExact);
  fail(breaker, 3, at(0s));
  REQUIRE(breaker.ask(at(1s)) == Permit::trial);
  breaker.abandoned(Permit::trial);
  CHECK(breaker.ask(at(1s)) == Permit::trial);
  breaker.failed(Permit::trial, at(1s));
  CHECK(*breaker.next_trial() - at(1s) == 2s);

  Breaker closed(kExact);
  for (int i = 0; i < 10; ++i) closed.abandoned(closed.ask(at(0s)));
  CHECK_FALSE(closed.is_open(at(0s)));
}

TEST_CASE("attempts that were under way when it opened are one outage") {
  Breaker breaker(kExact);
  for (int i = 0; i < 100; ++i) REQUIRE(breaker.ask(at(0s)) == Permit::granted);
  for (int i = 0; i < 100; ++i) breaker.failed(Permit::granted, at(10ms));
  CHECK(breaker.next_trial() == at(1010ms));

  // One that succeeds late proves that the upstream is well.
  breaker.succeeded(Permit::granted, at(20ms));
  CHECK(breaker.ask(at(20ms)) == Permit::granted);

  // And the trial that it overtook does not open it by itself.
  fail(breaker, 3, at(30ms));
  REQUIRE(breaker.ask(at(2s)) == Permit::trial);
  breaker.succeeded(Permit::granted, at(2s));
  breaker.failed(Permit::trial, at(2s));
  CHECK_FALSE(breaker.is_open(at(2s)));
}

TEST_CASE("how long it has been down") {
  Breaker breaker(kExact);
  CHECK_FALSE(breaker.down_since().has_value());
  CHECK_FALSE(breaker.last_success().has_value());
  fail(breaker, 1, at(5s));
  CHECK(breaker.down_since() == at(5s));
  fail(breaker, 2, at(6s));
  REQUIRE(breaker.ask(at(7s)) == Permit::trial);
  breaker.failed(Permit::trial, at(8s));
  CHECK(breaker.down_since() == at(5s));
  REQUIRE(breaker.ask(at(10s)) == Permit::trial);
  breaker.succeeded(Permit::trial, at(11s));
  CHECK_FALSE(breaker.down_since().has_value());
  CHECK(breaker.last_success() == at(11s));
}

TEST_CASE("reports of refused attempts are ignored") {
  Breaker breaker(kExact);
  fail(breaker, 3, at(0s));
  breaker.succeeded(Permit::refused, at(0s));
  CHECK(breaker.is_open(at(0s)));
  breaker.failed(Permit::refused, at(0s));
  CHECK(breaker.next_trial() == at(1s));
}

TEST_CASE("jitter spreads the waits within its bounds") {
  const BreakerLimits limits = {1, 1s, 60s, 0.2};
  std::set<std::int64_t> waits;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    Breaker breaker(limits, seed);
    fail(breaker, 1, at(0s));
    const auto wait = *breaker.next_trial() - at(0s);
    CHECK(wait >= 800ms);
    CHECK(wait <= 1200ms);
    waits.insert(wait / 10ms);
  }
  CHECK(waits.size() > 20);
}

TEST_CASE("a long outage, attempt by attempt") {
  // An attempt every 100 ms through ten minutes of outage: few of them reach the upstream.
  Breaker breaker({3, 1s, 60s, 0.2}, 7);
  int tried = 0;
  auto now = at(0s);
  for (; now < at(10min); now += 100ms) {
    const Permit permit = breaker.ask(now);
    if (permit == Permit::refused) continue;
    ++tried;
    breaker.failed(permit, now);
  }
  CHECK(tried >= 3 + 6 + 7);
  CHECK(tried <= 3 + 6 + 13);
  // And it is found well within the longest wait and its jitter after it is back.
  const auto back = now;
  while (breaker.ask(now) == Permit::refused) now += 100ms;
  CHECK(now - back <= 72s + 100ms);
}
