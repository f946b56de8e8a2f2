#include "policy/balance.h"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

using Order = std::vector<std::size_t>;

const UpstreamLoad::Time kNow = UpstreamLoad::Time() + 1h;
constexpr double kMiB = 1024.0 * 1024;

/// The n-th is the n-th nearest where all else is the same.
std::vector<Lane> lanes_of(std::size_t count) {
  std::vector<Lane> lanes(count);
  for (std::size_t i = 0; i < count; ++i) lanes[i].affinity = ~(std::uint64_t{i} << 50U);
  return lanes;
}

Lane& has(Lane& lane, std::uint32_t active, std::uint64_t rate = 0) {
  lane.load = {active, active, rate};
  return lane;
}

Lane& knows(Lane& lane, std::chrono::milliseconds connect, double rate,
            std::chrono::seconds ago = 0s) {
  lane.pace = {connect, rate, kNow - ago};
  return lane;
}

Order order_of(Balance balance, const std::vector<Lane>& lanes, bool explores = false) {
  return rank(balance, lanes, kNow, explores).order;
}

}  // namespace

TEST_CASE("ways to balance have names") {
  for (const auto& [name, balance] : kBalanceNames) CHECK(name_of(balance) == name);
  CHECK(name_of(ChosenBy::exploring) == "exploring");
  CHECK(name_of(ChosenBy::failover) == "failover");
}

TEST_CASE("a tier is balanced if there is something to choose") {
  CHECK_FALSE(Tier{2, Balance::order}.is_balanced());
  CHECK_FALSE(Tier{1, Balance::least}.is_balanced());
  CHECK(Tier{2, Balance::least}.is_balanced());
  CHECK_FALSE(is_balanced(std::vector<Tier>{}));
  CHECK(is_balanced(std::vector<Tier>{{2, Balance::order}, {2, Balance::sticky}}));
}

TEST_CASE("order stays as it is") {
  auto lanes = lanes_of(3);
  has(lanes[0], 9);
  CHECK(order_of(Balance::order, lanes) == Order{0, 1, 2});
  CHECK(rank(Balance::order, lanes, kNow, true).first == ChosenBy::order);
}

TEST_CASE("least takes the one with the least under way") {
  auto lanes = lanes_of(3);
  has(lanes[0], 2);
  has(lanes[1], 0);
  has(lanes[2], 1);
  CHECK(order_of(Balance::least, lanes) == Order{1, 2, 0});
  CHECK(rank(Balance::least, lanes, kNow, true).first == ChosenBy::least);
  // Then the one with the fewest bytes, if both have some.
  has(lanes[0], 1, 2'000);
  has(lanes[1], 1, 3'000);
  has(lanes[2], 1, 1'000);
  CHECK(order_of(Balance::least, lanes) == Order{2, 0, 1});
  // What moved before it ended does not count.
  has(lanes[0], 0, 2'000);
  has(lanes[1], 0);
  has(lanes[2], 0, 1'000);
  CHECK(order_of(Balance::least, lanes) == Order{0, 1, 2});
}

TEST_CASE("least gives each its share by weight") {
  auto lanes = lanes_of(3);
  lanes[1].weight = 3;
  std::map<std::size_t, int> taken;
  for (int i = 0; i < 50; ++i) {
    const std::size_t first = order_of(Balance::least, lanes)[0];
    ++taken[first];
    ++lanes[first].load.active;
  }
  CHECK(taken[0] == 10);
  CHECK(taken[1] == 30);
  CHECK(taken[2] == 10);
}

TEST_CASE("sticky depends on client, host and upstream alone") {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  const auto order_for = [&](std::uint64_t client, std::string_view host, std::size_t count = 4) {
    std::vector<Lane> lanes(count);
    for (std::size_t i = 0; i < count; ++i) lanes[i].affinity = affinity_of(client, host, names[i]);
    return order_of(Balance::sticky, lanes);
  };
  std::map<std::size_t, int> first;
  int moved = 0;
  for (std::uint64_t client = 0; client < 400; ++client) {
    const Order order = order_for(client, "gcr.io");
    CHECK(order == order_for(client, "gcr.io"));
    ++first[order[0]];
    // Without one of them, only who was there goes elsewhere: to the second.
    const Order fewer = order_for(client, "gcr.io", 3);
    if (order[0] != 3) CHECK(fewer[0] == order[0]);
    if (order[0] == 3) CHECK(fewer[0] == order[1]);
    if (order_for(client, "quay.io")[0] != order[0]) ++moved;
  }
  for (std::size_t i = 0; i < 4; ++i) CHECK(first[i] > 60);
  CHECK(moved > 200);
}

TEST_CASE("sticky gives each its share by weight, and so does least with nothing under way") {
  const Balance balance = GENERATE(Balance::sticky, Balance::least);
  int heavier = 0;
  for (std::uint64_t client = 0; client < 1'000; ++client) {
    std::vector<Lane> lanes(2);
    lanes[0].affinity = affinity_of(client, "gcr.io", "a");
    lanes[1].affinity = affinity_of(client, "gcr.io", "b");
    lanes[1].weight = 3;
    if (order_of(balance, lanes)[0] == 1) ++heavier;
  }
  CHECK(std::abs(heavier - 750) < 60);
}

TEST_CASE("fastest takes the one that will have delivered first") {
  auto lanes = lanes_of(3);
  knows(lanes[0], 300ms, 1 * kMiB);
  knows(lanes[1], 10ms, 2 * kMiB);
  knows(lanes[2], 200ms, 10 * kMiB);
  CHECK(order_of(Balance::fastest, lanes) == Order{2, 1, 0});
  CHECK(rank(Balance::fastest, lanes, kNow, true).first == ChosenBy::fastest);
  // What it has to do already shares what it can deliver: 5 of 4 MiB take 2 s, as one does there.
  has(lanes[2], 5);
  CHECK(order_of(Balance::fastest, lanes) == Order{1, 2, 0});
  // A weight is an opinion.
  lanes[0].weight = 100;
  CHECK(order_of(Balance::fastest, lanes)[0] == 0);
}

TEST_CASE("of one that has delivered nothing yet, the best is assumed") {
  auto lanes = lanes_of(3);
  knows(lanes[0], 20ms, 0);
  knows(lanes[1], 10ms, 0);
  knows(lanes[2], 30ms, 0);
  CHECK(order_of(Balance::fastest, lanes) == Order{1, 0, 2});
  knows(lanes[2], 30ms, 1 * kMiB);
  CHECK(order_of(Balance::fastest, lanes) == Order{1, 0, 2});
  // With nothing delivered anywhere, requests that begin at once spread.
  knows(lanes[2], 30ms, 0);
  has(lanes[1], 1);
  CHECK(order_of(Balance::fastest, lanes) == Order{0, 2, 1});
}

TEST_CASE("what was learned long ago counts less") {
  auto lanes = lanes_of(2);
  knows(lanes[0], 10ms, 1 * kMiB);
  knows(lanes[1], 10ms, 1.2 * kMiB);
  has(lanes[1], 1);
  CHECK(order_of(Balance::fastest, lanes) == Order{0, 1});
  // Of a slow one nearly nothing is left after ten minutes: some load decides.
  knows(lanes[0], 10ms, 10 * kMiB);
  has(lanes[0], 1);
  knows(lanes[1], 10s, 0.1 * kMiB, 1'200s);
  has(lanes[1], 0);
  const Ranking ranking = rank(Balance::fastest, lanes, kNow, false);
  CHECK(ranking.order == Order{0, 1});
  CHECK(ranking.first == ChosenBy::fastest);
}

TEST_CASE("of one that has something to do and was never seen connecting, the best is assumed") {
  // As after a reload before which nobody wanted to know.
  auto lanes = lanes_of(2);
  std::map<std::size_t, int> taken;
  for (Lane& lane : lanes) has(lane, 6);
  for (int i = 0; i < 24; ++i) {
    const std::size_t first = order_of(Balance::fastest, lanes)[0];
    ++taken[first];
    ++lanes[first].load.active;
    if (i == 3) knows(lanes[first], 10ms, 0);
  }
  CHECK(taken[0] == 12);
  CHECK(taken[1] == 12);
}

TEST_CASE("one that nobody has used is tried, one request at a time") {
  auto lanes = lanes_of(3);
  knows(lanes[0], 10ms, kMiB);
  Ranking ranking = rank(Balance::fastest, lanes, kNow, false);
  CHECK(ranking.order == Order{1, 0, 2});
  CHECK(ranking.first == ChosenBy::exploring);
  has(lanes[1], 1);
  CHECK(order_of(Balance::fastest, lanes)[0] == 2);
  has(lanes[2], 1);
  CHECK(order_of(Balance::fastest, lanes)[0] == 0);
}

TEST_CASE("now and then one is tried that was not seen for a minute") {
  auto lanes = lanes_of(3);
  knows(lanes[0], 10ms, 10 * kMiB);
  knows(lanes[1], 90ms, kMiB, 59s);
  knows(lanes[2], 90ms, kMiB, 40s);
  CHECK(rank(Balance::fastest, lanes, kNow, true).first == ChosenBy::fastest);
  knows(lanes[1], 90ms, kMiB, 61s);
  CHECK(order_of(Balance::fastest, lanes)[0] == 0);
  const Ranking ranking = rank(Balance::fastest, lanes, kNow, true);
  CHECK(ranking.order[0] == 1);
  CHECK(ranking.first == ChosenBy::exploring);
  // That which was seen longest ago.
  knows(lanes[2], 90ms, kMiB, 90s);
  CHECK(order_of(Balance::fastest, lanes, true)[0] == 2);
}

TEST_CASE("nothing to choose from") {
  CHECK(rank(Balance::least, {}, kNow, true).order.empty());
  CHECK(rank(Balance::fastest, {}, kNow, true).order.empty());
  CHECK(order_of(Balance::sticky, lanes_of(1)) == Order{0});
}
