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
}

TEST_CASE("an answer that a cache has kept tells the time when it was sent") {
  using std::chrono::seconds;
  constexpr std::time_t kNow = 784111777;
  CHECK(clock_difference("Sun, 06 Nov 1994 08:49:37 GMT", "", kNow) == seconds(0));
  CHECK(clock_difference("Sun, 06 Nov 1994 07:49:37 GMT", "3600", kNow) == seconds(0));
  CHECK(clock_difference("Sun, 06 Nov 1994 07:49:37 GMT", "-1", kNow) == seconds(-3600));
  CHECK_FALSE(clock_difference("yesterday", "", kNow));
}

TEST_CASE("our clock is judged by all servers and their certificates, not by one Date") {
  using std::chrono::hours;
  constexpr std::time_t kNow = 1'000'000'000;
  constexpr std::time_t kDay = 86'400;
  const ClockSighting agrees{"a.example:443", std::chrono::seconds(2), kNow - kDay, kNow + kDay};
  const ClockSighting ahead{"b.example:443", hours(3), kNow - kDay, kNow + kDay};
  const ClockSighting absurd{"c.example:443", hours(300), kNow - kDay, kNow + kDay};
  const ClockSighting plain{"d.example:80", hours(300)};
  CHECK(judge_clock({}, kNow).sighting == nullptr);

  const std::vector<ClockSighting> mixed{ahead, agrees};
  ClockVerdict verdict = judge_clock(mixed, kNow);
  CHECK_FALSE(verdict.wrong);
  CHECK(verdict.sighting == &mixed[1]);
  CHECK(verdict.odd == &mixed[0]);

  const std::vector<ClockSighting> alone{absurd, ahead};
  verdict = judge_clock(alone, kNow);
  CHECK(verdict.wrong);
  CHECK(verdict.sighting == &alone[1]);

  const std::vector<ClockSighting> unproven{absurd};
  verdict = judge_clock(unproven, kNow);
  CHECK_FALSE(verdict.wrong);
  CHECK(verdict.odd == verdict.sighting);
  CHECK(judge_clock({plain}, kNow).wrong);
}
