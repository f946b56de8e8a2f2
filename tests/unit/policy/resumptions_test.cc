#include "policy/resumptions.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

constexpr Resumptions::Time kStart{1h};

}  // namespace

TEST_CASE("a target whose tunnel was lost is known for a minute") {
  Resumptions resumptions;
  CHECK_FALSE(resumptions.is_resumption("gcr.io:443", kStart));
  resumptions.lost("gcr.io:443", kStart);
  CHECK(resumptions.is_resumption("gcr.io:443", kStart));
  CHECK(resumptions.is_resumption("gcr.io:443", kStart + 59s));
  CHECK_FALSE(resumptions.is_resumption("gcr.io:443", kStart + 60s));
  CHECK_FALSE(resumptions.is_resumption("gcr.io:80", kStart));
  CHECK_FALSE(resumptions.is_resumption("eu.gcr.io:443", kStart));
  // The last loss counts.
  resumptions.lost("gcr.io:443", kStart + 50s);
  CHECK(resumptions.is_resumption("gcr.io:443", kStart + 100s));
}

TEST_CASE("so many targets are known, and the oldest is forgotten first") {
  Resumptions resumptions;
  const auto target = [](std::size_t i) { return "host" + std::to_string(i) + ":443"; };
  for (std::size_t i = 0; i <= Resumptions::kMostTargets; ++i) {
    resumptions.lost(target(i), kStart + std::chrono::milliseconds(i));
  }
  const auto now = kStart + 2s;
  CHECK_FALSE(resumptions.is_resumption(target(0), now));
  for (std::size_t i = 1; i <= Resumptions::kMostTargets; ++i) {
    CHECK(resumptions.is_resumption(target(i), now));
  }
  // Those whose minute is over go before any other.
  resumptions.lost("new:443", kStart + 61s);
  CHECK(resumptions.is_resumption("new:443", kStart + 61s));
  CHECK(resumptions.is_resumption(target(1024), kStart + 61s));
}

TEST_CASE("so many requests are held at a time") {
  Resumptions resumptions;
  for (std::size_t i = 0; i < Resumptions::kMostHeld; ++i) CHECK(resumptions.begin_hold());
  CHECK_FALSE(resumptions.begin_hold());
  CHECK_FALSE(resumptions.begin_hold());
  resumptions.end_hold();
  CHECK(resumptions.begin_hold());
  CHECK_FALSE(resumptions.begin_hold());
}

TEST_CASE("all workers may use them at once") {
  Resumptions resumptions;
  constexpr std::size_t kRounds = 2'000;
  std::vector<std::thread> workers;
  std::array<std::size_t, 4> known{};
  for (std::size_t worker = 0; worker < known.size(); ++worker) {
    workers.emplace_back([&, worker] {
      for (std::size_t i = 0; i < kRounds; ++i) {
        const std::string target = std::to_string(i) + ".example:443";
        resumptions.lost(target, kStart);
        if (resumptions.is_resumption(target, kStart)) ++known[worker];
        if (resumptions.begin_hold()) resumptions.end_hold();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  for (const std::size_t count : known) CHECK(count > 0);
  std::size_t free = 0;
  while (resumptions.begin_hold()) ++free;
  CHECK(free == Resumptions::kMostHeld);
}
