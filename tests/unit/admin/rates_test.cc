#include "admin/rates.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

const RateMeter::Time kStart{1'000s};

SessionFacts session(std::uint64_t id, std::uint64_t up, std::uint64_t down) {
  SessionFacts facts;
  facts.id = id;
  facts.bytes_up = up;
  facts.bytes_down = down;
  return facts;
}

}  // namespace

TEST_CASE("a rate takes two looks") {
  RateMeter meter;
  CHECK_FALSE(meter.rate());
  meter.look(500, 500, kStart);
  CHECK_FALSE(meter.rate());
  meter.look(1'500, 500, kStart + 2s);
  REQUIRE(meter.rate());
  CHECK(meter.rate()->up == 500);
  CHECK(meter.rate()->down == 0);
}

TEST_CASE("a look that follows too soon changes nothing") {
  RateMeter meter;
  meter.look(0, 0, kStart);
  meter.look(1'000'000, 0, kStart + RateMeter::kApart - 1ms);
  CHECK_FALSE(meter.rate());
  meter.look(1'600, 0, kStart + RateMeter::kApart);
  REQUIRE(meter.rate());
  CHECK(meter.rate()->up == 2'000);
  meter.look(9'999, 0, kStart + RateMeter::kApart + 10ms);
  CHECK(meter.rate()->up == 2'000);
}

TEST_CASE("a count that has gone back, or is old, begins anew") {
  RateMeter meter;
  meter.look(1'000, 1'000, kStart);
  meter.look(3'000, 1'000, kStart + 1s);
  REQUIRE(meter.rate());
  meter.look(3'000, 999, kStart + 2s);
  CHECK_FALSE(meter.rate());
  meter.look(3'000, 1'999, kStart + 3s);
  REQUIRE(meter.rate());
  CHECK(meter.rate()->up == 0);
  CHECK(meter.rate()->down == 1'000);
  meter.look(4'000, 5'000, kStart + 3s + RateMeter::kTooOld + 1ms);
  CHECK_FALSE(meter.rate());
}

TEST_CASE("each session has its rate, until it is gone") {
  SessionRates rates;
  rates.look({session(1, 0, 0), session(2, 100, 0)}, kStart);
  CHECK_FALSE(rates.of(1));
  rates.look({session(2, 100, 3'000), session(1, 0, 1'000), session(3, 9, 9)}, kStart + 1s);
  REQUIRE(rates.of(1));
  CHECK(rates.of(1)->down == 1'000);
  REQUIRE(rates.of(2));
  CHECK(rates.of(2)->up == 0);
  CHECK(rates.of(2)->down == 3'000);
  CHECK_FALSE(rates.of(3));
  CHECK_FALSE(rates.of(4));
  rates.look({session(3, 9, 509)}, kStart + 2s);
  CHECK_FALSE(rates.of(1));
  REQUIRE(rates.of(3));
  CHECK(rates.of(3)->down == 500);
  // One that comes back is new.
  rates.look({session(1, 0, 5'000), session(3, 9, 509)}, kStart + 3s);
  CHECK_FALSE(rates.of(1));
}
