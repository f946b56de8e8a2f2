#include "admin/history.h"

#include "support/catch.h"

using namespace culvert;
using namespace std::chrono_literals;

namespace {

const History::Time kStart{1'000s};

}  // namespace

TEST_CASE("the first look begins a history, and each other one adds a rate") {
  History history;
  history.look(1'000, 2'000, kStart);
  CHECK(history.rates().empty());
  history.look(6'000, 2'000, kStart + 5s);
  history.look(6'000, 12'000, kStart + 9s);
  REQUIRE(history.rates().size() == 2);
  CHECK(history.rates()[0].up == 1'000);
  CHECK(history.rates()[0].down == 0);
  CHECK(history.rates()[1].up == 0);
  CHECK(history.rates()[1].down == 2'500);
  CHECK(history.end() == kStart + 9s);
}

TEST_CASE("a history has ten minutes, and forgets what is older") {
  History history;
  for (std::uint64_t i = 0; i <= History::kMost + 1; ++i) {
    history.look(i * i * 5, 0, kStart + i * History::kInterval);
  }
  REQUIRE(history.rates().size() == History::kMost);
  CHECK(History::kMost * History::kInterval == 10min);
  CHECK(history.rates().front().up == 3);  // 4 - 1
  CHECK(history.rates().back().up == 2 * History::kMost + 1);
}

TEST_CASE("an interval that was missed ends a history, and the next one begins another") {
  History history;
  history.look(0, 0, kStart);
  history.look(100, 100, kStart + 5s);
  history.look(200, 200, kStart + 15s);  // late, and known still
  CHECK(history.rates().size() == 2);
  history.look(9'000, 9'000, kStart + 15s + 2 * History::kInterval + 1ms);
  CHECK(history.rates().empty());
  history.look(9'500, 9'000, kStart + 30s + 1ms);
  REQUIRE(history.rates().size() == 1);
  CHECK(history.rates()[0].up == 100);
}

TEST_CASE("two looks at once are one") {
  History history;
  history.look(0, 0, kStart);
  history.look(7, 7, kStart);
  CHECK(history.rates().empty());
  history.look(5'007, 7, kStart + 5s);
  REQUIRE(history.rates().size() == 1);
  CHECK(history.rates()[0].up == 1'000);
}
