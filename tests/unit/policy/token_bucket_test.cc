#include "policy/token_bucket.h"

#include <thread>
#include <vector>

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

const TokenBucket::Time kBegin{1h};

}  // namespace

TEST_CASE("a token bucket has its burst at first, and then what comes in") {
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) CHECK(bucket.take(10, 1s, kBegin) == 0ns);
  CHECK(bucket.take(10, 1s, kBegin) == 100ms);
  CHECK(bucket.take(10, 1s, kBegin + 99ms) == 1ms);
  CHECK(bucket.take(10, 1s, kBegin + 100ms) == 0ns);
  CHECK(bucket.take(10, 1s, kBegin + 100ms) == 100ms);
}

TEST_CASE("a token bucket saves up no more than its burst") {
  TokenBucket bucket;
  for (int i = 0; i < 10; ++i) bucket.take(10, 1s, kBegin);
  CHECK_FALSE(bucket.is_full(1s, kBegin + 999ms));
  CHECK(bucket.is_full(1s, kBegin + 1s));
  for (int i = 0; i < 10; ++i) CHECK(bucket.take(10, 1s, kBegin + 1h) == 0ns);
  CHECK(bucket.take(10, 1s, kBegin + 1h) == 100ms);
}

TEST_CASE("what is reserved stands in line") {
  TokenBucket bucket;
  CHECK(bucket.reserve(500, 1'000, 100ms, kBegin) == kBegin - 100ms);
  CHECK(bucket.reserve(500, 1'000, 100ms, kBegin) == kBegin + 400ms);
  CHECK(bucket.reserve(100, 1'000, 100ms, kBegin) == kBegin + 900ms);
  CHECK(bucket.take(1'000, 100ms, kBegin) == 1'001ms);
}

TEST_CASE("what is given back is there for others") {
  TokenBucket bucket;
  bucket.reserve(1'000, 1'000, 100ms, kBegin);
  bucket.give_back(700);
  CHECK(bucket.reserve(1, 1'000, 100ms, kBegin) == kBegin + 200ms);
}

TEST_CASE("what is owed at a lower rate is due sooner when the rate is raised") {
  TokenBucket bucket;
  bucket.reserve(1'000, 1'000, 0ms, kBegin);
  CHECK(bucket.reserve(1'000, 10'000, 0ms, kBegin) == kBegin + 100ms);
  CHECK(bucket.reserve(1'000, 10'000, 0ms, kBegin) == kBegin + 200ms);
}

TEST_CASE("what is owed is not due later when the rate is lowered") {
  TokenBucket bucket;
  bucket.reserve(1'000, 10'000, 0ms, kBegin);
  CHECK(bucket.reserve(1'000, 1'000, 0ms, kBegin) == kBegin + 100ms);
  CHECK(bucket.reserve(1'000, 1'000, 0ms, kBegin) == kBegin + 1'100ms);
}

TEST_CASE("a token bucket from which nothing was taken gets nothing back") {
  TokenBucket bucket;
  bucket.give_back(1'000);
  CHECK(bucket.reserve(1'000, 1'000, 0ms, kBegin) == kBegin);
}

TEST_CASE("large numbers do not overflow") {
  TokenBucket bucket;
  constexpr std::uint64_t kGiB = 1 << 30;
  bucket.reserve(100'000 * kGiB, kGiB, 0ms, kBegin);
  CHECK(bucket.reserve(1, kGiB, 0ms, kBegin) == kBegin + 100'000s);
}

TEST_CASE("threads take from a bucket what there is, and no more") {
  TokenBucket bucket;
  std::vector<int> taken(4);
  std::vector<std::thread> threads;
  for (int& count : taken) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1'000; ++i) count += bucket.take(1'000, 1s, kBegin) == 0ns ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(taken[0] + taken[1] + taken[2] + taken[3] == 1'000);
}
