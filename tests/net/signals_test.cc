#include "net/signals.h"

#include <csignal>
#include <optional>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

struct Ear {
  void on_signal(int number) { heard.push_back(number); }
  std::vector<int> heard;
};

}  // namespace

TEST_CASE("signals are told of as long as somebody watches") {
  Loop loop;
  Ear ear;
  {
    const SignalWatcher watcher(loop, SIGUSR1, Callback<void(int)>::to<&Ear::on_signal>(&ear));
    raise(SIGUSR1);
    REQUIRE(turn_until(loop, [&] { return ear.heard.size() == 1; }));
    raise(SIGUSR1);
    REQUIRE(turn_until(loop, [&] { return ear.heard.size() == 2; }));
    CHECK(ear.heard == std::vector<int>{SIGUSR1, SIGUSR1});
    CHECK(loop.busy());
  }
  CHECK(turn_until(loop, [&] { return !loop.busy(); }));
}

TEST_CASE("a watcher that is gone is silent about a signal that came before") {
  Loop loop;
  Ear ear;
  // Somebody else watches, or the signal would end the program.
  Ear other;
  const SignalWatcher stays(loop, SIGUSR1, Callback<void(int)>::to<&Ear::on_signal>(&other));
  {
    const SignalWatcher watcher(loop, SIGUSR1, Callback<void(int)>::to<&Ear::on_signal>(&ear));
    raise(SIGUSR1);
  }
  REQUIRE(turn_until(loop, [&] { return other.heard.size() == 1; }));
  settle(loop, 5);
  CHECK(ear.heard.empty());
}

TEST_CASE("held signals wait for who will watch them") {
  Loop loop;
  Ear ear;
  std::optional<HeldSignals> held(std::in_place);
  raise(SIGTERM);
  const SignalWatcher watcher(loop, SIGTERM, Callback<void(int)>::to<&Ear::on_signal>(&ear));
  settle(loop, 5);
  CHECK(ear.heard.empty());
  held.reset();
  CHECK(turn_until(loop, [&] { return ear.heard.size() == 1; }));
}
