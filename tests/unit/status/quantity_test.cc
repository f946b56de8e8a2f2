#include "status/quantity.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "support/catch.h"

using namespace culvert;

TEST_CASE("sizes have few digits and a unit") {
  CHECK(size_text(-1) == "0 B");
  CHECK(size_text(0) == "0 B");
  CHECK(size_text(999) == "999 B");
  CHECK(size_text(1'000) == "1.0 kB");
  CHECK(size_text(9'999) == "9.9 kB");
  CHECK(size_text(10'000) == "10 kB");
  CHECK(size_text(999'999) == "999 kB");
  CHECK(size_text(1'000'000) == "1.0 MB");
  CHECK(size_text(312'345'678) == "312 MB");
  CHECK(size_text(4'512'345'678) == "4.5 GB");
  CHECK(size_text(std::numeric_limits<std::int64_t>::max()) == "9.2 EB");
  for (std::int64_t bytes = 1; bytes > 0 && bytes < (std::int64_t{1} << 61); bytes *= 3) {
    CHECK(size_text(bytes).size() <= 6);
  }
}

TEST_CASE("times have their two largest units") {
  CHECK(age_text(-5) == "0s");
  CHECK(age_text(59) == "59s");
  CHECK(age_text(65) == "1m05s");
  CHECK(age_text(3'599) == "59m59s");
  CHECK(age_text(11'520) == "3h12m");
  CHECK(age_text(2 * 86'400 + 4 * 3'600) == "2d04h");
  CHECK(age_text(99 * 86'400 + 23 * 3'600) == "99d23h");
  CHECK(age_text(400 * 86'400) == "400d");
}

TEST_CASE("a sparkline is below its highest value, and ends with the last") {
  const std::vector<std::int64_t> values = {5, 0, 50, 100};
  CHECK(sparkline(values, 9, true) == "▁▁▅█");
  CHECK(sparkline(values, 2, true) == "▅█");
  CHECK(sparkline(values, 9, false) == "__=#");
  CHECK(sparkline(std::vector<std::int64_t>{0, 0}, 9, true) == "▁▁");
  CHECK(sparkline(std::vector<std::int64_t>{-7, 1}, 9, true) == "▁█");
  CHECK(sparkline({}, 9, true).empty());
  CHECK(sparkline(values, 0, true).empty());
}
