#include "check/clock_difference.h"

#include "support/catch.h"

using namespace culvert;

TEST_CASE("RFC 9110 5.6.7: a Date is read, and nothing else") {
  CHECK(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == std::time_t{784111777});
  CHECK(parse_http_date("Thu, 01 Jan 1970 00:00:00 GMT") == std::time_t{0});
  for (const char* const bad : {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
                                "Sun, 06 Nix 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                                "Sun, 06 Nov 1994 08:-9:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 6  Nov 1994 08:49:37 GMT"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_http_date(bad));
  }
}

TEST_CASE("how far a clock is off is said in one unit") {
  using std::chrono::seconds;
  CHECK(describe_difference(seconds(0)) == "0 s");
  CHECK(describe_difference(seconds(-90)) == "90 s");
  CHECK(describe_difference(seconds(420)) == "7 minutes");
  CHECK(describe_difference(seconds(-7'300)) == "2 hours");
  CHECK(describe_difference(seconds(200'000)) == "2 days");
  CHECK(time_text(784111777) == "1994-11-06 08:49 UTC");
}
