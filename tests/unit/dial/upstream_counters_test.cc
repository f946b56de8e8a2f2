#include "dial/upstream_counters.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

TEST_CASE("counters of an upstream are found by its name, as long as somebody uses them") {
  UpstreamCounterTable table;
  auto first = table.of("tunnel");
  const auto other = table.of("direct");
  CHECK(first != other);
  CHECK(table.of("tunnel") == first);
  first->count(AttemptEnd::connected);
  table.sweep();
  REQUIRE(table.entries().size() == 2);
  CHECK(table.entries()[0].name == "tunnel");
  CHECK(table.entries()[0].counters->attempts[0] == 1);
  first.reset();
  table.sweep();
  REQUIRE(table.entries().size() == 1);
  CHECK(table.entries()[0].counters == other);
  CHECK(table.of("tunnel")->attempts[0] == 0);
}

TEST_CASE("all that is counted of an upstream adds up") {
  UpstreamCounters sum;
  UpstreamCounters other;
  for (std::size_t i = 0; i < kAttemptEnds; ++i) {
    for (std::size_t n = 0; n <= i; ++n) other.count(static_cast<AttemptEnd>(i));
  }
  other.connect.add(3ms);
  other.first_byte.add(5ms);
  other.add_request(7, 11);
  sum += other;
  sum += other;
  for (std::size_t i = 0; i < kAttemptEnds; ++i) CHECK(sum.attempts[i] == 2 * (i + 1));
  CHECK(sum.connect.sum() == 6ms);
  CHECK(sum.first_byte.sum() == 10ms);
  CHECK(sum.requests == 2);
  CHECK(sum.bytes_up == 14);
  CHECK(sum.bytes_down == 22);
}

TEST_CASE("each end of an attempt has a name") {
  CHECK(name_of(AttemptEnd::connected) == "connected");
  CHECK(name_of(AttemptEnd::unanswered) == "unanswered");
  CHECK(name_of(AttemptEnd::abandoned) == "abandoned");
}
