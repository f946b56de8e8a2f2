#include "net/ready_set.h"

#include <sys/socket.h>

#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

struct Watcher {
  void on_ready() { ids = set.ready(); }

  Loop loop;
  ReadySet set{loop, Callback<void()>::to<&Watcher::on_ready>(this)};
  std::vector<std::uint64_t> ids;
};

}  // namespace

TEST_CASE("a set reports which of its members are ready") {
  Watcher watcher;
  auto [near, far] = tcp_pair();
  auto [other, other_far] = tcp_pair();
  watcher.set.add(near.get(), 7);
  watcher.set.add(other.get(), 8);
  settle(watcher.loop, 5);
  CHECK(watcher.ids.empty());
  SECTION("bytes") { send_all(far, "x"); }
  SECTION("the end") { far.reset(); }
  settle(watcher.loop, 5);
  CHECK(watcher.ids == std::vector<std::uint64_t>{7});
}

TEST_CASE("a member that was removed, or closed, is not reported any more") {
  Watcher watcher;
  auto [near, far] = tcp_pair();
  watcher.set.add(near.get(), 7);
  SECTION("taken out") { watcher.set.remove(near.get()); }
  SECTION("closed") { near.reset(); }
  send(far.get(), "x", 1, MSG_NOSIGNAL);
  settle(watcher.loop, 5);
  CHECK(watcher.ids.empty());
}

TEST_CASE("another thread may add a member while the loop waits") {
  Watcher watcher;
  auto [near, far] = tcp_pair();
  send_all(far, "x");
  std::thread other([&, fd = near.get()] { watcher.set.add(fd, 9); });
  CHECK(turn_until(watcher.loop, [&] { return !watcher.ids.empty(); }));
  other.join();
  CHECK(watcher.ids == std::vector<std::uint64_t>{9});
}

TEST_CASE("no descriptor is none") {
  Watcher watcher;
  watcher.set.add(-1, 1);
  watcher.set.remove(-1);
  settle(watcher.loop, 5);
  CHECK(watcher.ids.empty());
}
