#include "server/worker_facts.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

/// Each figure is a different multiple of `n`.
WorkerFacts facts(std::uint64_t n) {
  WorkerFacts facts;
  SessionRecord record;
  record.finish(Outcome::Kind::ok, Side::client, {});
  for (std::uint64_t i = 0; i < n; ++i) facts.stats.add(record);
  facts.bytes = {2 * n, 3 * n};
  facts.counters.limits[0] = 4 * n;
  facts.counters.dials = {5 * n, 6 * n, 7 * n};
  facts.counters.stalled = 8 * n;
  facts.counters.stalls = 9 * n;
  facts.accepted = 10 * n;
  facts.accept_failures = 11 * n;
  facts.connections = 12 * n;
  facts.tunnels = 13 * n;
  facts.target_lookups = 14 * n;
  facts.upstream_lookups = 15 * n;
  facts.pipes = 16 * n;
  facts.lost_lines = 17 * n;
  facts.lost_access_lines = 18 * n;
  facts.long_turns = 19 * n;
  facts.long_turn_time = std::chrono::nanoseconds(20 * n);
  facts.longest_turn = std::chrono::nanoseconds(n);
  facts.cpu = std::chrono::nanoseconds(21 * n);
  return facts;
}

}  // namespace

TEST_CASE("the facts of workers add up, but for the longest turn") {
  WorkerFacts sum = facts(1);
  sum += facts(10);
  CHECK(sum.stats.requests(Outcome::Kind::ok) == 11);
  CHECK(sum.bytes.up == 22);
  CHECK(sum.bytes.down == 33);
  CHECK(sum.counters.limits[0] == 44);
  CHECK(sum.counters.dials.held == 55);
  CHECK(sum.counters.dials.holds == 66);
  CHECK(sum.counters.dials.hedges == 77);
  CHECK(sum.counters.stalled == 88);
  CHECK(sum.counters.stalls == 99);
  CHECK(sum.accepted == 110);
  CHECK(sum.accept_failures == 121);
  CHECK(sum.connections == 132);
  CHECK(sum.tunnels == 143);
  CHECK(sum.target_lookups == 154);
  CHECK(sum.upstream_lookups == 165);
  CHECK(sum.pipes == 176);
  CHECK(sum.lost_lines == 187);
  CHECK(sum.lost_access_lines == 198);
  CHECK(sum.long_turns == 209);
  CHECK(sum.long_turn_time == 220ns);
  CHECK(sum.longest_turn == 10ns);
  CHECK(sum.cpu == 231ns);
}

TEST_CASE("an upstream's figures are added to those of its name") {
  WorkerFacts sum;
  WorkerFacts one;
  one.upstreams.push_back({"a", {}, {1, 2}, 3});
  WorkerFacts other;
  other.upstreams.push_back({"b", {}, {10, 20}, 30});
  other.upstreams.push_back({"a", {}, {100, 200}, 300});
  other.upstreams.back().counters.requests = 5;
  sum += one;
  sum += other;
  REQUIRE(sum.upstreams.size() == 2);
  CHECK(sum.upstream("a")->bytes.up == 101);
  CHECK(sum.upstream("a")->bytes.down == 202);
  CHECK(sum.upstream("a")->tunnels == 303);
  CHECK(sum.upstream("a")->counters.requests == 5);
  CHECK(sum.upstream("b")->bytes.down == 20);
  CHECK(sum.upstream("c") == nullptr);
}
