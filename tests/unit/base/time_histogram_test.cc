#include "base/time_histogram.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

TEST_CASE("a time counts in the first bucket that it fits") {
  for (std::size_t i = 0; i < TimeHistogram::kBounds.size(); ++i) {
    CAPTURE(i);
    TimeHistogram times;
    const std::chrono::nanoseconds bound = std::chrono::milliseconds(TimeHistogram::kBounds[i]);
    times.add(bound);
    CHECK(times.count(i) == 1);
    times.add(bound + 1ns);
    CHECK(times.count(i) == 1);
    CHECK(times.count(i + 1) == 1);
    CHECK(times.total() == 2);
    CHECK(times.sum() == 2 * bound + 1ns);
  }
}

TEST_CASE("histograms add up") {
  TimeHistogram sum;
  TimeHistogram other;
  sum.add(1ms);
  other.add(2ms);
  other.add(1h);
  sum += other;
  CHECK(sum.count(0) == 2);
  CHECK(sum.count(TimeHistogram::kBuckets - 1) == 1);
  CHECK(sum.total() == 3);
  CHECK(sum.sum() == 1h + 3ms);
}
