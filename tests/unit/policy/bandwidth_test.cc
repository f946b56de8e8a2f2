#include "policy/bandwidth.h"

#include <algorithm>
#include <array>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

using Time = Bandwidth::Time;
const Time kBegin{1h};

/// A flow that always has more to move.
struct Busy {
  Busy(Bandwidth& shared, ClientUsage* client, ClientUsage* user = nullptr)
      : bandwidth(shared), flow{.client = client, .user = user, .direction = Direction::down} {}

  /// Moves what it may until `now`.
  void run(Time now) {
    for (;;) {
      if (held == 0) {
        const auto grant = bandwidth.take_turn(flow, Bandwidth::kMostQuantum, now);
        held = grant.bytes;
        from = grant.from;
      }
      if (from > now) return bandwidth.begin_waiting(flow);
      moved += held;
      held = 0;
    }
  }

  Bandwidth& bandwidth;
  Bandwidth::Flow flow;
  std::size_t held = 0;
  Time from;
  std::uint64_t moved = 0;
};

/// All of them, each millisecond for so long.
void run(std::vector<Busy>& flows, std::chrono::milliseconds time, Time begin = kBegin) {
  for (Time now = begin; now < begin + time; now += 1ms) {
    for (Busy& flow : flows) flow.run(now);
  }
}

void check_near(std::uint64_t value, std::uint64_t wanted, double tolerance) {
  CAPTURE(value, wanted);
  const auto want = static_cast<double>(wanted);
  CHECK(static_cast<double>(value) >= want * (1 - tolerance));
  CHECK(static_cast<double>(value) <= want * (1 + tolerance));
}

constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("without rates there is a whole quantum at once, always") {
  Bandwidth bandwidth;
  ClientUsage client;
  const Bandwidth::Flow flow{.client = &client};
  for (int i = 0; i < 100; ++i) {
    const auto grant = bandwidth.take_turn(flow, Bandwidth::kMostQuantum, kBegin);
    CHECK(grant.bytes == Bandwidth::kMostQuantum);
    CHECK(grant.from <= kBegin);
  }
}

TEST_CASE("a flow moves as much as the rate says, whatever it is") {
  const std::uint64_t rate = GENERATE(1'024u, 64'000u, 1u << 20, 20u << 20, 1u << 30);
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = rate});
  ClientUsage client;
  std::vector<Busy> flows{{bandwidth, &client}};
  run(flows, 10s);
  check_near(flows[0].moved, 10 * rate, 0.12);
}

TEST_CASE("nothing is longer than a sixth of a second at a low rate") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 64'000});
  ClientUsage client;
  std::vector<Busy> flows{{bandwidth, &client}};
  run(flows, 1ms);
  CHECK(flows[0].moved <= 64'000 / 6);
  CHECK(flows[0].from - kBegin <= 60ms);
}

TEST_CASE("flows share alike") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 4 * kMiB});
  std::array<ClientUsage, 8> clients;
  std::vector<Busy> flows;
  for (ClientUsage& client : clients) flows.emplace_back(bandwidth, &client);
  run(flows, 1s);  // the first have what was saved up
  for (Busy& flow : flows) flow.moved = 0;
  run(flows, 5s, kBegin + 1s);
  for (const Busy& flow : flows) check_near(flow.moved, 5 * 4 * kMiB / 8, 0.15);
}

TEST_CASE("many tunnels of one client do not take more than one of another") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 20 * kMiB});
  ClientUsage many;
  ClientUsage single;
  std::vector<Busy> flows;
  for (int i = 0; i < 10; ++i) flows.emplace_back(bandwidth, &many);
  flows.emplace_back(bandwidth, &single);
  run(flows, 5s);
  check_near(flows.back().moved, 5 * 10 * kMiB, 0.2);
}

TEST_CASE("each client has its own rate, and all together the other one") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 3 * kMiB, .per_client = 2 * kMiB});
  std::array<ClientUsage, 2> clients;
  std::vector<Busy> one{{bandwidth, &clients[0]}};
  run(one, 5s);
  check_near(one[0].moved, 5 * 2 * kMiB, 0.1);
  bandwidth.end_waiting(one[0].flow);
  std::vector<Busy> both{{bandwidth, &clients[0]}, {bandwidth, &clients[1]}};
  run(both, 5s, kBegin + 10s);
  check_near(both[0].moved + both[1].moved, 5 * 3 * kMiB, 0.1);
}

TEST_CASE("the rate of a user counts for all addresses") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.per_user = kMiB});
  std::array<ClientUsage, 2> clients;
  ClientUsage user;
  std::vector<Busy> flows{{bandwidth, &clients[0], &user}, {bandwidth, &clients[1], &user}};
  run(flows, 5s);
  check_near(flows[0].moved + flows[1].moved, 5 * kMiB, 0.1);
}

TEST_CASE("both directions have the rate") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = kMiB});
  ClientUsage client;
  std::vector<Busy> flows{{bandwidth, &client}, {bandwidth, &client}};
  flows[1].flow.direction = Direction::up;
  run(flows, 5s);
  for (const Busy& flow : flows) check_near(flow.moved, 5 * kMiB, 0.1);
}

TEST_CASE("a unix socket's clients share, too") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = kMiB});
  std::vector<Busy> flows{{bandwidth, nullptr}, {bandwidth, nullptr}};
  run(flows, 5s);
  for (const Busy& flow : flows) check_near(flow.moved, 5 * kMiB / 2, 0.1);
}

TEST_CASE("who needs less than a share takes no more, and what is given back is there again") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.per_client = 1'000'000});
  ClientUsage client;
  const Bandwidth::Flow flow{.client = &client};
  const auto take = [&](std::size_t most) { return bandwidth.take_turn(flow, most, kBegin); };
  CHECK(take(Bandwidth::kMostQuantum).bytes == 50'000);
  CHECK(take(10'000).bytes == 10'000);  // with it, what was saved up
  CHECK(take(40'000).from <= kBegin);
  CHECK(take(1'000).from == kBegin + 40ms);
  bandwidth.give_back(flow, 40'000);
  CHECK(take(1'000).from == kBegin + 1ms);
}

TEST_CASE("a rate that is raised is the rate at once, for what is owed, too") {
  Bandwidth bandwidth;
  ClientUsage client;
  const bool of_client = GENERATE(false, true);
  const auto set_rate = [&](std::uint64_t rate) {
    if (of_client) return bandwidth.set_rates({.per_client = rate});
    bandwidth.set_rates({.all = rate});
  };
  set_rate(64'000);
  const Bandwidth::Flow flow{.client = &client};
  for (int i = 0; i < 1'000; ++i) bandwidth.take_turn(flow, Bandwidth::kLeastQuantum, kBegin);
  set_rate(100'000'000);
  const auto grant = bandwidth.take_turn(flow, 100, kBegin);
  CHECK(grant.from > kBegin);
  CHECK(grant.from <= kBegin + 20ms);
}

TEST_CASE("a rate that is lifted holds nobody") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 1'024});
  ClientUsage client;
  std::vector<Busy> flows{{bandwidth, &client}};
  run(flows, 1s);
  bandwidth.set_rates({});
  CHECK(bandwidth.take_turn(flows[0].flow, Bandwidth::kMostQuantum, kBegin).from == kBegin);
}

TEST_CASE("flows of several threads share a rate") {
  Bandwidth bandwidth;
  bandwidth.set_rates({.all = 4 * kMiB});
  ClientUsage client;
  std::vector<Busy> flows;
  for (int i = 0; i < 4; ++i) flows.emplace_back(bandwidth, &client);
  std::vector<std::thread> threads;
  for (Busy& flow : flows) {
    threads.emplace_back([&flow] {
      for (Time now = kBegin; now < kBegin + 2s; now += 1ms) flow.run(now);
      flow.bandwidth.end_waiting(flow.flow);
      flow.bandwidth.give_back(flow.flow, flow.held);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::uint64_t sum = 0;
  for (const Busy& flow : flows) sum += flow.moved;
  check_near(sum, 2 * 4 * kMiB, 0.12);
  CHECK(client.of(Direction::down).waiting == 0);
}
