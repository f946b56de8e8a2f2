#include "base/utc_text.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a moment is shown to the minute, in UTC") {
  CHECK(utc_text(784111777) == "1994-11-06 08:49 UTC");
  CHECK(utc_text(0) == "1970-01-01 00:00 UTC");
  CHECK(utc_text(2524607999) == "2049-12-31 23:59 UTC");
}

TEST_CASE("a moment is told to programs in milliseconds, as RFC 3339 has it") {
  using Time = std::chrono::system_clock::time_point;
  using std::chrono::microseconds;
  using std::chrono::milliseconds;
  CHECK(rfc3339_text(Time(milliseconds(784'111'777'042))) == "1994-11-06T08:49:37.042Z");
  CHECK(rfc3339_text(Time()) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339_text(Time(milliseconds(5))) == "1970-01-01T00:00:00.005Z");
  CHECK(rfc3339_text(Time(milliseconds(100))) == "1970-01-01T00:00:00.100Z");
  // It is never told before it has come.
  CHECK(rfc3339_text(Time(microseconds(1'999'999))) == "1970-01-01T00:00:01.999Z");
  CHECK(rfc3339_text(Time(microseconds(-1))) == "1969-12-31T23:59:59.999Z");
}
