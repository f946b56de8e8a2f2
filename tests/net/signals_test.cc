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
  void on_signal(int number) { received.push_back(number); }
  std::vector<int> received;
};

}  // namespace

TEST_CASE("signals are reported while they are watched") {
  Loop loop;
  Ear ear;
  {
    const SignalWatcher watcher(loop, SIGUSR1, Callback<void(int)>::to<&Ear::on_signal>(&ear));
    raise(SIGUSR1);
    REQUIRE(turn_until(loop, [&] { return ear.received.size() == 1; }));
    raise(SIGUSR1);
    REQUIRE(turn_until(loop, [&] { return ear.received.size() == 2; }));
    CHECK(ear.received == std::vector<int>{SIGUSR1, SIGUSR1});
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
  REQUIRE(turn_until(loop, [&] { return other.received.size() == 1; }));
  settle(loop, 5);
  CHECK(ear.received.empty());
}

TEST_CASE("held signals wait for who will watch them") {
  Loop loop;
  Ear ear;
  std::optional<HeldSignals> held(std::in_place);
  raise(SIGTERM);
  const SignalWatcher watcher(loop, SIGTERM, Callback<void(int)>::to<&Ear::on_signal>(&ear));
  settle(loop, 5);
  CHECK(ear.received.empty());
  held.reset();
  CHECK(turn_until(loop, [&] { return ear.received.size() == 1; }));
}

TEST_CASE("early signals wait until they are held or given back") {
  Loop loop;
  Ear ear;
  const auto is_blocked = [](int signal) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    return sigismember(&now, signal) == 1;
  };
  for (const int signal : {SIGHUP, SIGUSR2}) {
    const EarlySignals early;
    raise(signal);
    const SignalWatcher watcher(loop, signal, Callback<void(int)>::to<&Ear::on_signal>(&ear));
    CHECK(is_blocked(signal));
    {
      const HeldSignals ending(HeldSignals::Which::those_that_end);
      CHECK(is_blocked(SIGTERM));
    }
    CHECK(is_blocked(signal));
    CHECK_FALSE(is_blocked(SIGTERM));
    settle(loop, 5);
    CHECK(ear.received.empty());
    { const HeldSignals held; }
    CHECK(turn_until(loop, [&] { return ear.received == std::vector{signal}; }));
    ear.received.clear();
  }
  const EarlySignals early;
  CHECK(is_blocked(SIGHUP));
  early.give_back();
  CHECK_FALSE(is_blocked(SIGHUP));
}

TEST_CASE("the end of held signals leaves the others as they are") {
  sigset_t changed;
  sigemptyset(&changed);
  for (const int signal : {SIGQUIT, SIGTTOU}) sigaddset(&changed, signal);
  sigset_t before;
  sigset_t after;
  {
    const HeldSignals held;
    pthread_sigmask(SIG_BLOCK, &changed, &before);
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(sigismember(&after, SIGQUIT) == 1);
  CHECK(sigismember(&after, SIGTTOU) == 1);
  CHECK(sigismember(&after, SIGTERM) == 0);
  pthread_sigmask(SIG_UNBLOCK, &changed, nullptr);
}

TEST_CASE("a signal that stays blocked is reported and hinders nobody") {
  Loop loop;
  Ear ear;
  {
    const BlockedSignalWatcher watcher(loop, SIGTTOU,
                                       Callback<void(int)>::to<&Ear::on_signal>(&ear));
    raise(SIGTTOU);  // would stop us
    REQUIRE(turn_until(loop, [&] { return ear.received.size() == 1; }));
    raise(SIGTTOU);
    REQUIRE(turn_until(loop, [&] { return ear.received.size() == 2; }));
    CHECK(ear.received == std::vector<int>{SIGTTOU, SIGTTOU});
  }
  CHECK_FALSE(loop.busy());
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTTOU);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}
