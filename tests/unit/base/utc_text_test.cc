#include "base/utc_text.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("a moment is shown to the minute, in UTC") {
  CHECK(utc_text(784111777) == "1994-11-06 08:49 UTC");
  CHECK(utc_text(0) == "1970-01-01 00:00 UTC");
  CHECK(utc_text(2524607999) == "2049-12-31 23:59 UTC");
}
