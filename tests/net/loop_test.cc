#include "net/loop.h"

#include <fcntl.h>
#include <sys/epoll.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "net/manual_clock.h"
#include "net/timer.h"
#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

/// Counts its events, and runs the test's action.
struct Owner final : Pollable {
  void on_poll(std::uint32_t events) override {
    ++calls;
    last_events = events;
    if (const auto act = then) act();  // a copy: it may destroy us
  }

  int calls = 0;
  std::uint32_t last_events = 0;
  std::function<void()> then;
};

}  // namespace

TEST_CASE("a loop with nothing on it is not busy, and its turn comes back") {
  Loop loop;
  settle(loop, 3);
  CHECK_FALSE(loop.busy());
  const auto before = loop.now();
  loop.turn(5);
  CHECK(loop.now() - before >= 4ms);
}

TEST_CASE("a manual clock moves on by what an idle loop would have waited") {
  ManualClock clock;
  Loop loop(&clock);
  settle(loop, 3);
  const auto before = loop.now();
  loop.turn(3'600'000);
  CHECK(loop.now() - before == 1h);
  loop.turn(0);
  CHECK(loop.now() - before == 1h);
  clock.advance(5ms);
  CHECK(loop.now() - before == 1h);  // until the next turn
  CHECK(loop.clock_time() - before == 1h + 5ms);
  loop.turn(0);
  CHECK(loop.now() - before == 1h + 5ms);
}

TEST_CASE("a manual clock stands as long as there is something to do") {
  ManualClock clock;
  Loop loop(&clock);
  settle(loop, 3);
  const SocketPair pair = unix_pair();
  Owner owner;
  CHECK(loop.watch(pair.near.get(), owner, EPOLLIN) == 0);
  const auto before = loop.now();
  SECTION("an event") { send_all(pair.far, "x"); }
  SECTION("a resumption") { loop.resume(owner); }
  loop.turn(1000);
  CHECK(owner.calls == 1);
  CHECK(loop.now() == before);
  loop.unwatch(pair.near.get(), owner);
  loop.turn(1000);
  CHECK(loop.now() - before == 1s);
}

TEST_CASE("resume() calls once, in the next turn") {
  Loop loop;
  Owner owner;
  loop.resume(owner);
  loop.resume(owner);
  CHECK(owner.calls == 0);
  loop.turn(-1);  // does not wait
  CHECK(owner.calls == 1);
  CHECK(owner.last_events == 0);
  loop.turn(0);
  CHECK(owner.calls == 1);
}

TEST_CASE("resume() from within on_poll() is for the turn after") {
  Loop loop;
  Owner owner;
  owner.then = [&] {
    if (owner.calls < 3) loop.resume(owner);
  };
  loop.resume(owner);
  for (int turn = 1; turn <= 5; ++turn) {
    loop.turn(0);
    CHECK(owner.calls == std::min(turn, 3));
  }
}

TEST_CASE("unwatch_closing() cancels a resumption") {
  Loop loop;
  Owner owner;
  loop.resume(owner);
  loop.unwatch_closing(owner);
  loop.turn(0);
  CHECK(owner.calls == 0);
  loop.resume(owner);
  loop.turn(0);
  CHECK(owner.calls == 1);
}

TEST_CASE("unwatch_closing() reaches an owner that is to be resumed in this very turn") {
  Loop loop;
  Owner first;
  auto second = std::make_unique<Owner>();
  int second_calls = 0;
  second->then = [&] { ++second_calls; };
  first.then = [&] {
    loop.unwatch_closing(*second);
    second.reset();
  };
  loop.resume(first);
  loop.resume(*second);
  loop.turn(0);
  loop.turn(0);
  CHECK(first.calls == 1);
  CHECK(second_calls == 0);
}

TEST_CASE("an owner may be destroyed by another's event of the same batch, and by its own") {
  Loop loop;
  SocketPair pairs[3];
  std::unique_ptr<Owner> owners[3];
  int calls = 0;
  for (int i = 0; i < 3; ++i) {
    pairs[i] = unix_pair();
    owners[i] = std::make_unique<Owner>();
    // Whoever comes first ends all of them.
    owners[i]->then = [&] {
      ++calls;
      for (int each = 0; each < 3; ++each) {
        loop.unwatch_closing(*owners[each]);
        owners[each].reset();
        pairs[each].near.reset();
      }
    };
    CHECK(loop.watch(pairs[i].near.get(), *owners[i], EPOLLIN) == 0);
    send_all(pairs[i].far, "x");
  }
  CHECK(loop.busy());
  loop.turn(0);
  loop.turn(0);
  CHECK(calls == 1);
  CHECK_FALSE(loop.busy());
}

TEST_CASE("an event and a resumption of one turn are two calls") {
  Loop loop;
  const SocketPair pair = unix_pair();
  Owner owner;
  CHECK(loop.watch(pair.near.get(), owner, EPOLLIN | EPOLLET) == 0);
  send_all(pair.far, "x");
  loop.resume(owner);
  loop.turn(0);
  CHECK(owner.calls == 2);
  loop.unwatch(pair.near.get(), owner);
}

TEST_CASE("rewatch() changes what is watched for, unwatch() ends it") {
  Loop loop;
  const SocketPair pair = unix_pair();
  Owner owner;
  CHECK(loop.watch(pair.near.get(), owner, EPOLLIN) == 0);
  send_all(pair.far, "x");
  loop.turn(0);
  CHECK(owner.last_events == EPOLLIN);
  loop.rewatch(pair.near.get(), owner, 0);
  owner.calls = 0;
  loop.turn(0);
  CHECK(owner.calls == 0);
  loop.rewatch(pair.near.get(), owner, EPOLLOUT);
  loop.turn(0);
  CHECK(owner.last_events == EPOLLOUT);
  loop.unwatch(pair.near.get(), owner);
  owner.calls = 0;
  loop.turn(0);
  CHECK(owner.calls == 0);
  CHECK_FALSE(loop.busy());
}

TEST_CASE("what cannot be watched is reported, and costs nothing more") {
  Loop loop;
  const TempDir dir;
  const Fd file(open(dir.path("file").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  Owner owner;
  CHECK(loop.watch(file.get(), owner, EPOLLIN) == EPERM);  // epoll refuses regular files
  CHECK_FALSE(loop.busy());
  loop.unwatch_closing(owner);
}

TEST_CASE("deferred tasks run when the turn is over, those that they defer too") {
  Loop loop;
  std::string order;
  Owner owner;
  owner.then = [&] {
    loop.defer([&] {
      order += "b";
      loop.defer([&] { order += "c"; });
    });
    order += "a";
  };
  loop.set_turn_end([&] { order += "|"; });
  loop.resume(owner);
  loop.turn(0);
  CHECK(order == "abc|");
}

TEST_CASE("the loop's end runs what is still deferred") {
  bool ran = false;
  {
    Loop loop;
    loop.defer([&] { ran = true; });
  }
  CHECK(ran);
}

TEST_CASE("tasks come from other threads, and wake a loop that waits") {
  Loop loop;
  constexpr int kThreads = 4;
  constexpr int kTasks = 500;
  int ran = 0;  // by the loop's thread only
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int task = 0; task < kTasks; ++task) {
        loop.post([&] {
          if (++ran == kThreads * kTasks) loop.stop();
        });
      }
    });
  }
  loop.run();
  for (std::thread& thread : threads) thread.join();
  CHECK(ran == kThreads * kTasks);

  std::thread late([&] {
    std::this_thread::sleep_for(20ms);
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  late.join();
}

TEST_CASE("a task that is posted within a task runs") {
  Loop loop;
  int ran = 0;
  loop.post([&] {
    ++ran;
    loop.post([&] { ++ran; });
  });
  CHECK(turn_until(loop, [&] { return ran == 2; }));
}

TEST_CASE("turns that take long are noted, however the loop goes on after them") {
  ManualClock clock;
  Loop loop(&clock);
  loop.set_turn_end([&] { loop.note_turn(); });
  settle(loop, 3);
  const auto work_for = [&](std::chrono::milliseconds time, bool goes_on) {
    loop.defer([&, time, goes_on] {
      clock.advance(time);
      if (goes_on) loop.defer([] {});
    });
    loop.turn(0);
    loop.turn(0);
  };
  work_for(1ms, false);
  CHECK(loop.lag().turns() == 0);
  CHECK(loop.lag().longest(loop.now()) == 0ms);
  const bool goes_on = GENERATE(false, true);
  work_for(3ms, goes_on);
  work_for(7ms, goes_on);
  work_for(2ms, goes_on);
  CHECK(loop.lag().turns() == 3);
  CHECK(loop.lag().sum() == 12ms);
  CHECK(loop.lag().longest(loop.now()) == 7ms);
  // What it waits for is no work.
  loop.turn(30'000);
  loop.turn(0);
  CHECK(loop.lag().turns() == 3);
  work_for(4ms, goes_on);
  CHECK(loop.lag().longest(loop.now()) == 7ms);
  loop.turn(40'000);
  CHECK(loop.lag().longest(loop.now()) == 4ms);
  loop.turn(40'000);
  CHECK(loop.lag().longest(loop.now()) == 0ms);
  CHECK(loop.lag().sum() == 16ms);
}

TEST_CASE("timers come at their times in a loop whose turns are noted") {
  ManualClock clock;
  Loop loop(&clock);
  bool notes = true;
  loop.set_turn_end([&] {
    if (notes) loop.note_turn();
  });
  std::vector<std::chrono::milliseconds> times;
  const auto begun = clock.now();
  struct Ticking {
    void on_tick() { tick(); }
    std::function<void()> tick;
    Timer timer;
    explicit Ticking(Loop& owner) : timer(owner, Callback<void()>::to<&Ticking::on_tick>(this)) {}
  } ticking(loop);
  ticking.tick = [&] {
    times.push_back(std::chrono::floor<std::chrono::milliseconds>(clock.now() - begun));
    notes = times.size() != 2;
    if (times.size() == 5) return loop.stop();
    clock.advance(1ms);  // the work of this turn
    ticking.timer.start(6ms);
  };
  ticking.timer.start(6ms);
  loop.run();
  CHECK(times == std::vector<std::chrono::milliseconds>{6ms, 12ms, 18ms, 24ms, 30ms});
}
