// What another thread finds out about the workers of a server.
#include "admin/surveyor.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/catch.h"
#include "support/running_server.h"
#include "support/sockets.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> kTwoWorkers{"--listen",   "127.0.0.1:0", "--threads", "2",
                                           "--upstream", "direct",      "--hold",    "0"};

struct Watch {
  explicit Watch(const std::vector<std::string>& arguments = kTwoWorkers) : running(arguments) {}
  Survey survey(SurveyWants wants = {}) {
    std::optional<Survey> found;
    surveyor.ask(wants, [&](const Survey& given) { found = given; });
    CHECK_FALSE(found);  // it comes in a later turn
    REQUIRE(turn_until(loop, [&] { return found.has_value(); }));
    return *found;
  }
  /// A client with a tunnel to `target`.
  Fd tunnel(std::uint16_t target) {
    Fd client = connect_to_loopback(running.port());
    const std::string authority = "127.0.0.1:" + std::to_string(target);
    send_all(client, "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n\r\n");
    std::string answer;
    REQUIRE(turn_until(loop, [&] {
      answer += receive_now(client).bytes;
      return answer.ends_with("\r\n\r\n");
    }));
    CHECK(answer.starts_with("HTTP/1.1 200 "));
    return client;
  }

  RunningServer running;
  Loop loop;
  Surveyor surveyor{loop, running.server()};
};

/// A worker whose loop is stuck.
class Stuck {
 public:
  explicit Stuck(Worker& worker) {
    worker.loop().post([this] {
      entered_ = true;
      entered_.notify_all();
      blocked_.wait(true);
      left_ = true;
      left_.notify_all();
    });
    entered_.wait(false);
  }
  ~Stuck() {
    blocked_ = false;
    blocked_.notify_all();
    left_.wait(false);
  }
  Stuck(const Stuck&) = delete;
  Stuck& operator=(const Stuck&) = delete;

 private:
  std::atomic<bool> entered_ = false;
  std::atomic<bool> blocked_ = true;
  std::atomic<bool> left_ = false;
};

}  // namespace

TEST_CASE("a survey of a server that has nothing to do") {
  Watch watch;
  const auto before = watch.loop.clock_time();
  const Survey survey = watch.survey();
  REQUIRE(survey.ruleset);
  CHECK(survey.ruleset->config.upstreams.size() == 1);
  CHECK_FALSE(survey.draining);
  CHECK(survey.connections == 0);
  CHECK(survey.listeners ==
        std::vector<std::string>{"http://127.0.0.1:" + std::to_string(watch.running.port())});
  REQUIRE(survey.workers.size() == 2);
  CHECK(survey.workers[0].worker == 0);
  CHECK(survey.workers[1].worker == 1);
  CHECK(survey.silent.empty());
  CHECK(survey.sessions.empty());
  CHECK(survey.taken >= before);
}

TEST_CASE("sessions are told where they are wanted, each once") {
  Watch watch;
  std::uint16_t target = 0;
  Fd listening = listen_on_loopback(target, 64);
  std::vector<Fd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(watch.tunnel(target));
  CHECK(watch.survey().sessions.empty());
  const Survey survey = watch.survey({.sessions = true});
  CHECK(survey.connections == 20);
  CHECK(survey.total().tunnels == 20);
  std::set<std::uint64_t> ids;
  for (const SessionFacts& session : survey.sessions) {
    ids.insert(session.id);
    CHECK(session.target == "127.0.0.1:" + std::to_string(target));
    CHECK(session.stage == SessionStage::tunnel);
  }
  CHECK(ids.size() == 20);
  CHECK(survey.sessions.size() == 20);
  // Those of the survey before are not in the next one.
  clients.clear();
  listening.reset();
  REQUIRE(turn_until(watch.loop, [&] { return watch.survey().connections == 0; }));
  CHECK(watch.survey({.sessions = true}).sessions.empty());
}

TEST_CASE("whoever asks while a survey runs gets the next one, and all of them the same") {
  Watch watch;
  std::vector<std::pair<char, Loop::Clock::time_point>> done;
  const auto ask = [&](char name) {
    watch.surveyor.ask(
        {}, [&done, name](const Survey& survey) { done.emplace_back(name, survey.taken); });
  };
  ask('a');
  ask('b');
  ask('c');
  REQUIRE(turn_until(watch.loop, [&] { return done.size() == 3; }));
  CHECK(done[0].first == 'a');
  CHECK(done[1].second == done[2].second);
  CHECK(done[1].second > done[0].second);
  // A new one begins no sooner than a while after the one before.
  CHECK(done[1].second - done[0].second < 10s);
}

TEST_CASE("one that asks from within an answer is answered, too") {
  Watch watch;
  int left = 5;
  std::function<void(const Survey&)> again = [&](const Survey& survey) {
    CHECK(survey.workers.size() == 2);
    if (--left > 0) watch.surveyor.ask({}, again);
  };
  watch.surveyor.ask({}, again);
  REQUIRE(turn_until(watch.loop, [&] { return left == 0; }));
}

TEST_CASE("one that asks from within an answer takes nothing from the others") {
  Watch watch;
  std::uint16_t target = 0;
  const Fd listening = listen_on_loopback(target, 128);
  std::vector<Fd> clients;
  // The kernel spreads them.
  while (watch.survey().workers[0].tunnels == 0) clients.push_back(watch.tunnel(target));
  // So late that the next one may begin at once.
  const Stuck stuck(*watch.running.server().workers()[1]);
  std::vector<std::size_t> seen;
  int again = 0;
  for (int i = 0; i < 3; ++i) {
    watch.surveyor.ask({.sessions = true}, [&](const Survey& survey) {
      seen.push_back(survey.sessions.size());
      watch.surveyor.ask({}, [&](const Survey&) { ++again; });
    });
  }
  REQUIRE(turn_until(watch.loop, [&] { return again == 3; }));
  REQUIRE(seen.size() == 3);
  CHECK(seen[1] > 0);
  CHECK(seen[1] == seen[2]);
}

TEST_CASE("a worker that is stuck is not waited for, and is told of") {
  Watch watch;
  CHECK(watch.survey().silent.empty());
  {
    const Stuck stuck(*watch.running.server().workers()[1]);
    const auto begun = watch.loop.clock_time();
    const Survey survey = watch.survey({.sessions = true});
    CHECK(survey.taken - begun >= Surveyor::kPatience);
    REQUIRE(survey.silent.size() == 1);
    CHECK(survey.silent[0].worker == 1);
    CHECK(survey.silent[0].turned_last <= begun);
    // What it has said last still counts.
    CHECK(survey.workers.size() == 2);
    CHECK(survey.workers[1].worker == 1);
    REQUIRE(survey.ruleset);
    const Survey next = watch.survey();
    REQUIRE(next.silent.size() == 1);
    CHECK(next.silent[0].turned_last == survey.silent[0].turned_last);
  }
  REQUIRE(turn_until(watch.loop, [&] { return watch.survey().silent.empty(); }));
}

TEST_CASE("a server whose first worker is stuck has no ruleset to tell") {
  Watch watch;
  const Stuck stuck(*watch.running.server().workers()[0]);
  const Survey survey = watch.survey();
  CHECK_FALSE(survey.ruleset);
  REQUIRE(survey.silent.size() == 1);
  CHECK(survey.silent[0].worker == 0);
}

TEST_CASE("a task runs in the thread of a worker, and its result comes back to this one") {
  Watch watch;
  for (const bool result : {true, false}) {
    std::optional<bool> got;
    std::thread::id there;
    std::thread::id back;
    watch.surveyor.run_in(
        watch.running.server().workers()[1]->loop(),
        [&] {
          there = std::this_thread::get_id();
          return result;
        },
        [&](bool given) {
          back = std::this_thread::get_id();
          got = given;
        });
    REQUIRE(turn_until(watch.loop, [&] { return got.has_value(); }));
    CHECK(*got == result);
    CHECK(there != std::this_thread::get_id());
    CHECK(back == std::this_thread::get_id());
  }
}

TEST_CASE("a surveyor may go while workers are asked") {
  Watch watch;
  Loop loop;
  bool answered = false;
  {
    const Stuck stuck(*watch.running.server().workers()[1]);
    Surveyor brief(loop, watch.running.server());
    brief.ask({.sessions = true}, [&](const Survey&) { answered = true; });
    brief.run_in(
        watch.running.server().workers()[1]->loop(), [] { return true; },
        [&](bool) { answered = true; });
    loop.turn(0);
  }
  // They have answered nobody by now.
  CHECK(watch.survey().silent.empty());
  settle(loop);
  CHECK_FALSE(answered);
}
