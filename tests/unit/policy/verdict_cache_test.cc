#include "policy/verdict_cache.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

/// A key whose first bytes choose its set.
VerdictCache::Key key(unsigned set, unsigned number) {
  VerdictCache::Key out{};
  out[0] = static_cast<std::uint8_t>(set & 255U);
  out[1] = static_cast<std::uint8_t>(set >> 8U);
  out[14] = static_cast<std::uint8_t>(number >> 8U);
  out[15] = static_cast<std::uint8_t>(number & 255U);
  return out;
}

const VerdictCache::Time kNow = VerdictCache::Time() + 1h;

}  // namespace

TEST_CASE("a verdict is known until its time is over") {
  VerdictCache cache;
  CHECK_FALSE(cache.find(key(1, 1), kNow));
  cache.add(key(1, 1), true, kNow);
  cache.add(key(1, 2), false, kNow);
  CHECK(cache.find(key(1, 1), kNow) == true);
  CHECK(cache.find(key(1, 2), kNow) == false);
  CHECK_FALSE(cache.find(key(1, 3), kNow));
  CHECK_FALSE(cache.find(key(2, 1), kNow));
  CHECK(cache.find(key(1, 2), kNow + VerdictCache::kWrongFor - 1ms) == false);
  CHECK_FALSE(cache.find(key(1, 2), kNow + VerdictCache::kWrongFor));
  CHECK(cache.find(key(1, 1), kNow + VerdictCache::kRightFor - 1ms) == true);
  CHECK_FALSE(cache.find(key(1, 1), kNow + VerdictCache::kRightFor));
}

TEST_CASE("the oldest verdict of a set makes room") {
  VerdictCache cache;
  for (unsigned i = 0; i < VerdictCache::kWays + 1; ++i) cache.add(key(7, i), true, kNow + i * 1s);
  CHECK_FALSE(cache.find(key(7, 0), kNow + 9s));
  for (unsigned i = 1; i < VerdictCache::kWays + 1; ++i) {
    CHECK(cache.find(key(7, i), kNow + 9s) == true);
  }
}

TEST_CASE("any number of wrong passwords drives out no right one") {
  VerdictCache cache;
  cache.add(key(3, 0), true, kNow);
  for (unsigned i = 1; i < 20'000; ++i) cache.add(key(i % 1024, i), false, kNow + 1s);
  CHECK(cache.find(key(3, 0), kNow + 2s) == true);
}
