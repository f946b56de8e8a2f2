#include "policy/pending_lookups.h"

#include <deque>
#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

PendingLookups::Time at(std::chrono::milliseconds since_start) {
  return PendingLookups::Time() + 1h + since_start;
}

const HostPort kFirst = HostPort::parse("first.test:443").value();
const HostPort kSecond = HostPort::parse("second.test:443").value();
const HostPort kThird = HostPort::parse("third.test:443").value();

}  // namespace

TEST_CASE("the request that has waited longest is told, once it is slow") {
  PendingLookups lookups;
  PendingLookups::Entry first, second, third;
  lookups.add(first, kFirst, at(0s));
  lookups.add(second, kSecond, at(1s));
  lookups.add(third, kThird, at(2s));
  CHECK_FALSE(lookups.slow(at(0s), at(999ms)));
  REQUIRE(lookups.slow(at(0s), at(5s)));
  CHECK(lookups.slow(at(0s), at(5s))->target == "first.test:443");
  CHECK(lookups.slow(at(0s), at(5s))->waited == 5s);
  SECTION("removed in the middle") {
    lookups.remove(second, at(1500ms));
    CHECK(lookups.slow(at(0s), at(5s))->target == "first.test:443");
    lookups.remove(first, at(0s));
    CHECK(lookups.slow(at(0s), at(5s))->target == "third.test:443");
    lookups.remove(third, at(2s));
  }
  SECTION("removed in their order") {
    lookups.remove(first, at(0s));
    CHECK(lookups.slow(at(0s), at(5s))->target == "second.test:443");
    lookups.remove(second, at(1s));
    lookups.remove(third, at(2s));
  }
  SECTION("removed from the end") {
    lookups.remove(third, at(2s));
    lookups.remove(second, at(1s));
    lookups.add(second, kSecond, at(3s));
    lookups.remove(first, at(0s));
    CHECK(lookups.slow(at(0s), at(5s))->target == "second.test:443");
    lookups.remove(second, at(3s));
  }
  CHECK_FALSE(first.added());
  CHECK_FALSE(lookups.slow(at(0s), at(5s)));
}

TEST_CASE("one that was slow is told as long as it ended after the stall began") {
  PendingLookups lookups;
  PendingLookups::Entry entry;
  lookups.add(entry, kFirst, at(0s));
  lookups.remove(entry, at(8s));
  REQUIRE(lookups.slow(at(8s), at(20s)));
  CHECK(lookups.slow(at(8s), at(20s))->waited == 8s);
  CHECK_FALSE(lookups.slow(at(9s), at(20s)));
  // A quick one after it is no cause of anything.
  lookups.add(entry, kSecond, at(9s));
  lookups.remove(entry, at(9500ms));
  CHECK(lookups.slow(at(0s), at(20s))->target == "first.test:443");
}

TEST_CASE("workers add and remove at the same time") {
  PendingLookups lookups;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::deque<PendingLookups::Entry> entries(8);
      for (int n = 0; n < 500; ++n) {
        for (auto& entry : entries) lookups.add(entry, kFirst, at(0s));
        static_cast<void>(lookups.slow(at(0s), at(2s)));
        for (auto& entry : entries) lookups.remove(entry, at(0s));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(lookups.slow(at(0s), at(2s)));
}
