#include "net/name_board.h"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/resolver.h"
#include "support/asker.h"
#include "support/catch.h"
#include "support/dns_server.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

const NameBoard::Key kKey{Side::target, "one.example"};

/// Somebody who may wait, and what it was told.
struct Party {
  bool join(NameBoard& board, const NameBoard::Key& key = kKey) {
    return board.join(key, this, loop, [this](const NameBoard::Found* found) {
      told += found != nullptr ? "answer" : "turn";
      if (found != nullptr && *found) told += " " + (**found)[0].to_string();
    });
  }
  std::string told_now() {
    settle(loop);
    return told;
  }

  Loop loop;
  std::string told;
};

NameBoard::Found address() { return std::vector{*IpAddress::parse("192.0.2.1")}; }

struct OwnLoop {
  std::unique_ptr<Loop> loop = std::make_unique<Loop>();
};

/// With a loop of its own, which outlives its look-up.
struct AskingLoop : OwnLoop, Asker {
  void ask(const std::string& name) { Asker::ask(*loop, name); }
  bool done() {
    loop->turn(0);
    return found.has_value();
  }
};

}  // namespace

TEST_CASE("one asks, and the others get its answer") {
  NameBoard board;
  Party first, second, third, other;
  CHECK(first.join(board));
  CHECK_FALSE(second.join(board));
  CHECK_FALSE(third.join(board));
  CHECK(other.join(board, {Side::upstream, "one.example"}));
  CHECK(second.told_now() == "");
  board.finish(kKey, &first, address());
  CHECK(first.told_now() == "");
  CHECK(second.told_now() == "answer 192.0.2.1");
  CHECK(third.told_now() == "answer 192.0.2.1");
  // It is over: the next one asks anew.
  CHECK(second.join(board));
  // An answer that comes too late is nobody's.
  board.finish(kKey, &first, address());
  CHECK_FALSE(third.join(board));
}

TEST_CASE("when the one who asks gives up, the next one asks") {
  NameBoard board;
  Party first, second, third;
  CHECK(first.join(board));
  CHECK_FALSE(second.join(board));
  CHECK_FALSE(third.join(board));
  SECTION("and has the answer for the rest") {
    board.leave(kKey, &first);
    CHECK(second.told_now() == "turn");
    CHECK(third.told_now() == "");
    board.finish(kKey, &second, Error{Errc::dns_error, Side::target, 0, "does not exist"});
    CHECK(third.told_now() == "answer");
  }
  SECTION("who may give up before it was told") {
    board.leave(kKey, &first);
    board.leave(kKey, &second);
    CHECK(third.told_now() == "turn");
  }
  SECTION("who has left does not") {
    board.leave(kKey, &second);
    board.leave(kKey, &first);
    CHECK(second.told_now() == "");
    CHECK(third.told_now() == "turn");
  }
  SECTION("if there is one") {
    board.leave(kKey, &third);
    board.leave(kKey, &second);
    board.leave(kKey, &first);
    CHECK(third.join(board));
  }
}

TEST_CASE("a name for which several loops wait is asked for once") {
  DnsServer server;
  OwnNames names(server.address());
  server.add("one.example", {"192.0.2.1"});
  std::vector<AskingLoop> askers(3);
  for (AskingLoop& asker : askers) asker.ask("one.example");
  const auto all_done = [&] {
    server.serve();
    bool done = true;
    for (AskingLoop& asker : askers) done = (asker.loop == nullptr || asker.done()) && done;
    return done;
  };
  std::size_t questions = 1;
  SECTION("all of them wait") {}
  SECTION("one that only waits leaves") { askers[1].lookup.reset(); }
  SECTION("the one that asks leaves, before and after its question has arrived") {
    questions = 2;
    if (GENERATE(false, true)) {
      REQUIRE(turn_until(*askers[0].loop, [&] {
        server.serve();
        return server.asked("one.example", DnsServer::kA) == 1;
      }));
    }
    askers[0].lookup.reset();
    askers[0].loop.reset();
  }
  for (AskingLoop& asker : askers) {
    if (!asker.lookup) asker.found.emplace(address());  // not awaited
  }
  REQUIRE(turn_until(*askers[2].loop, all_done));
  for (AskingLoop& asker : askers) {
    REQUIRE(*asker.found);
    CHECK((**asker.found)[0].to_string() == "192.0.2.1");
  }
  CHECK(server.asked("one.example", DnsServer::kA) <= static_cast<int>(questions));
  CHECK(server.asked("one.example", DnsServer::kAaaa) <= static_cast<int>(questions));
}

TEST_CASE("loops in threads of their own wait for each other, and may leave at any time") {
  DnsServer server;
  OwnNames names(server.address());
  for (int i = 0; i < 20; ++i) server.add("n" + std::to_string(i) + ".example", {"192.0.2.1"});
  std::atomic<int> answered = 0;
  std::atomic<int> running = 4;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 5; ++round) {
        std::vector<AskingLoop> askers(1);
        AskingLoop& asker = askers[0];
        for (int i = 0; i < 20; ++i) {
          asker.found.reset();
          asker.ask("n" + std::to_string(i) + ".example");
          // Some of them are canceled at once, or with their loop.
          if ((i + thread) % 5 == 0) continue;
          if (turn_until(*asker.loop, [&] { return asker.found.has_value(); }) && *asker.found) {
            ++answered;
          }
        }
        asker.lookup.reset();
      }
      --running;
    });
  }
  while (running > 0) {
    server.serve();
    std::this_thread::yield();
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(answered == 4 * 5 * 16);
}
