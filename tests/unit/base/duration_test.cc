#include "base/duration.h"

#include <chrono>

#include "support/catch.h"

using namespace culvert;
using std::chrono::milliseconds;

TEST_CASE("durations are written in the largest exact unit") {
  CHECK(format_duration(milliseconds(0)) == "0");
  CHECK(format_duration(milliseconds(1)) == "1ms");
  CHECK(format_duration(milliseconds(1500)) == "1500ms");
  CHECK(format_duration(milliseconds(90'000)) == "90s");
  CHECK(format_duration(milliseconds(300'000)) == "5m");
  CHECK(format_duration(std::chrono::hours(168)) == "168h");
}

TEST_CASE("seconds have one digit behind the point") {
  CHECK(format_seconds(milliseconds(4000)) == "4.0 s");
  CHECK(format_seconds(milliseconds(40)) == "0.0 s");
  CHECK(format_seconds(milliseconds(12'345)) == "12.3 s");
  CHECK(format_seconds(milliseconds(250)) == "0.2 s");
  CHECK(format_seconds(milliseconds(750)) == "0.8 s");
  CHECK(format_seconds(milliseconds(2'951)) == "3.0 s");
}
