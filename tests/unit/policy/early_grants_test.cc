#include "policy/early_grants.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

EarlyGrants::Time at(std::chrono::milliseconds since_start) {
  return EarlyGrants::Time() + 1h + since_start;
}

}  // namespace

TEST_CASE("three targets in a row prove it, and others are preferred for a minute") {
  EarlyGrants grants;
  CHECK_FALSE(grants.any());
  grants.note("a:1", at(0s));
  grants.note("b:1", at(1s));
  grants.note("b:1", at(2s));
  CHECK_FALSE(grants.pauses(at(2s)));
  grants.note("c:1", at(3s));
  CHECK(grants.pauses(at(3s)));
  CHECK(grants.pauses(at(62s)));
  CHECK_FALSE(grants.pauses(at(63s)));
  // Tried again, and no better.
  grants.note("a:1", at(64s));
  CHECK(grants.pauses(at(65s)));
}

TEST_CASE("one target that hangs up, or clients that send nothing, prove nothing") {
  EarlyGrants grants;
  const char* target = GENERATE("a:1", "");
  for (int i = 0; i < 100; ++i) grants.note(target, at(1s * i));
  CHECK_FALSE(grants.pauses(at(100s)));
  CHECK(grants.lately(at(100s)) == 100);
}

TEST_CASE("a byte of a tunnel that began after them ends the row") {
  EarlyGrants grants;
  grants.note("a:1", at(0s));
  grants.note("b:1", at(1s));
  SECTION("it began before") {
    grants.brought_byte(at(999ms));
    grants.note("c:1", at(2s));
    CHECK(grants.pauses(at(2s)));
    grants.brought_byte(at(2s));
    CHECK_FALSE(grants.pauses(at(2s)));
  }
  SECTION("it began after") {
    grants.brought_byte(at(1s));
    grants.note("c:1", at(2s));
    CHECK_FALSE(grants.pauses(at(2s)));
  }
}

TEST_CASE("they are remembered for ten minutes after the last") {
  EarlyGrants grants;
  CHECK(grants.lately(at(0s)) == 0);
  grants.note("a:1", at(0s));
  grants.note_probe(at(9min));
  CHECK(grants.lately(at(18min)) == 2);
  CHECK(grants.lately(at(19min)) == 0);
  grants.note("a:1", at(20min));
  CHECK(grants.lately(at(20min)) == 1);
  CHECK(grants.total() == 2);
}

TEST_CASE("they are worth a line once a minute, and those of probes have their own") {
  EarlyGrants grants;
  grants.note_probe(at(0s));
  CHECK(grants.note("a:1", at(0s)) == 1u);
  CHECK_FALSE(grants.note("b:1", at(59s)));
  CHECK(grants.note("a:1", at(60s)) == 3u);
}
