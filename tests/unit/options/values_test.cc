#include "options/values.h"

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "support/catch.h"

using namespace culvert;
using std::chrono::milliseconds;

TEST_CASE("durations") {
  constexpr DurationLimits kLimits = {milliseconds(100), std::chrono::hours(2)};
  constexpr DurationLimits kOrOff = {milliseconds(100), std::chrono::hours(2), true};
  struct Row {
    const char* text;
    std::optional<long> expected;         ///< within kLimits
    std::optional<long> expected_or_off;  ///< within kOrOff
  };
  const Row rows[] = {
      {"500ms", 500, 500},
      {"12s", 12'000, 12'000},
      {"12S", 12'000, 12'000},
      {" 12s ", 12'000, 12'000},
      {"5m", 300'000, 300'000},
      {"1h", 3'600'000, 3'600'000},
      {"2h", 7'200'000, 7'200'000},
      {"12", 12'000, 12'000},
      {"100ms", 100, 100},
      {"99ms", {}, {}},
      {"7200001ms", {}, {}},
      {"3h", {}, {}},
      {"0", {}, 0},
      {"0s", {}, 0},
      {"0h", {}, 0},
      {"off", {}, 0},
      {"OFF", {}, 0},
      {"", {}, {}},
      {"s", {}, {}},
      {"12x", {}, {}},
      {"12 s", {}, {}},
      {"1.5s", {}, {}},
      {"1m30s", {}, {}},
      {"-1", {}, {}},
      {"-0x", {}, {}},
      {"+1s", {}, {}},
      {"never", {}, {}},
      {"99999999999999999999h", {}, {}},
      {"9223372036854775807h", {}, {}},
      {"9223372036854775807ms", {}, {}},
      {"-9223372036854775808h", {}, {}},
  };
  const auto value = [](const Parsed<milliseconds>& parsed) -> std::optional<long> {
    if (const auto* duration = std::get_if<milliseconds>(&parsed)) return duration->count();
    CHECK_FALSE(std::get<std::string>(parsed).empty());
    return std::nullopt;
  };
  for (const Row& row : rows) {
    INFO(row.text);
    CHECK(value(parse_duration(row.text, kLimits)) == row.expected);
    CHECK(value(parse_duration(row.text, kOrOff)) == row.expected_or_off);
  }
  CHECK(std::get<std::string>(parse_duration("3h", kOrOff)) == "not between 100ms and 2h (or off)");
}

TEST_CASE("rates") {
  CHECK(std::get<std::uint64_t>(parse_rate("1")) == 1);
  CHECK(std::get<std::uint64_t>(parse_rate(" 10K ")) == 10'240);
  CHECK(std::get<std::uint64_t>(parse_rate("1024m")) == 1 << 30);
  for (const char* const wrong : {"", "k", "1kb", "1.5k", "0x10", "+1"}) {
    CHECK(std::get<std::string>(parse_rate(wrong)).starts_with("not a rate"));
  }
  for (const char* const wrong : {"0", "0k", "1025m", "99999999999999999999"}) {
    CHECK(std::get<std::string>(parse_rate(wrong)).starts_with("not between"));
  }
}

TEST_CASE("counts") {
  CHECK(std::get<std::uint64_t>(parse_count("1", 1, 10)) == 1);
  CHECK(std::get<std::uint64_t>(parse_count(" 10 ", 1, 10)) == 10);
  for (const char* const text :
       {"0", "11", "-1", "", "x", "1x", "1.0", "0x1", "+1", "99999999999999999999999"}) {
    INFO(text);
    CHECK(std::holds_alternative<std::string>(parse_count(text, 1, 10)));
  }
}

TEST_CASE("switches") {
  for (const char* const on : {"", "true", "YES", "on", "1"}) {
    CHECK(std::get<bool>(parse_switch(on)));
  }
  for (const char* const off : {"false", "No", "off", "0"}) {
    CHECK_FALSE(std::get<bool>(parse_switch(off)));
  }
  CHECK(std::get<std::string>(parse_switch("2")) == "either true or false");
}
