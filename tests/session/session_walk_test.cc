// Looking at many sessions in parts, while some of them end and others begin.
#include "server/session_walk.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "net/walk_part.h"
#include "server/worker.h"
#include "session/http_client.h"
#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMany = 2 * WalkPart::kMost + 500;

/// Clients that have sent nothing yet.
struct Hall {
  explicit Hall(std::size_t count) {
    Config config;
    config.upstreams = {direct()};
    config.listen = {ListenConfig()};
    const auto ruleset = std::make_shared<Ruleset>(
        std::move(config), std::vector<std::shared_ptr<const TlsClientContext>>(1));
    worker = std::make_unique<Worker>(shared, ruleset, 0, 1, std::vector<ListenSocket>(), [] {});
    walk = std::make_unique<SessionWalk>(worker->loop(), sessions);
    for (std::size_t i = 0; i < count; ++i) enter();
  }
  ~Hall() {
    while (!sessions.empty()) sessions.back()->abort("over");
    gone.clear();
  }

  void enter() {
    auto client = clients.emplace_back(worker->loop()).stream();
    auto protocol = std::make_unique<HttpClient>(worker->context(), *client, listener);
    sessions.push_back(std::make_unique<Session>(
        worker->context(), ++last_id, std::move(client), std::move(protocol), std::nullopt,
        Admission::serve, Callback<void(Session&)>::to<&Hall::on_finished>(this)));
    sessions.back()->slot = static_cast<std::uint32_t>(sessions.size() - 1);
    sessions.back()->start();
  }
  /// As a worker does it.
  void on_finished(Session& session) {
    const std::size_t slot = walk->before_leaving(session.slot);
    gone.push_back(std::move(sessions[slot]));
    if (slot + 1 != sessions.size()) {
      sessions[slot] = std::move(sessions.back());
      sessions[slot]->slot = static_cast<std::uint32_t>(slot);
    }
    sessions.pop_back();
  }
  Session& of(std::uint64_t id) {
    const auto found = std::find_if(sessions.begin(), sessions.end(),
                                    [id](const auto& one) { return one->id() == id; });
    REQUIRE(found != sessions.end());
    return **found;
  }

  Shared shared;
  ListenConfig listen;
  ListenerTerms listener{listen};
  std::unique_ptr<Worker> worker;
  std::deque<Peer> clients;
  SessionWalk::Sessions sessions;
  std::vector<std::unique_ptr<Session>> gone;
  std::unique_ptr<SessionWalk> walk;
  std::uint64_t last_id = 0;
};

/// How often each was looked at.
struct Seen {
  std::map<std::uint64_t, int> times;
  int begins = 0;
  int ends = 0;
};

class Look final : public SessionWalk::Visitor {
 public:
  explicit Look(Seen& seen) : seen_(seen) {}
  void begin() override { ++seen_.begins; }
  void look(Session& session) override { ++seen_.times[session.id()]; }
  void end() override { ++seen_.ends; }

 private:
  Seen& seen_;
};

}  // namespace

TEST_CASE("a walk over few sessions is over at once") {
  const std::size_t count = GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{10});
  Hall hall(count);
  Seen seen;
  hall.walk->start(std::make_unique<Look>(seen));
  CHECK(seen.begins == 1);
  CHECK(seen.ends == 1);
  CHECK(seen.times.size() == count);
}

TEST_CASE("a walk over many sessions takes several turns, and looks at each once") {
  Hall hall(kMany);
  Seen seen;
  hall.walk->start(std::make_unique<Look>(seen));
  std::size_t before = 0;
  int parts = 1;
  while (seen.ends == 0) {
    CHECK(seen.times.size() > before);
    CHECK(seen.times.size() - before <= WalkPart::kMost);
    before = seen.times.size();
    hall.worker->loop().turn(1000);
    ++parts;
  }
  CHECK(parts >= 3);
  CHECK(seen.times.size() == kMany);
  CHECK(std::all_of(seen.times.begin(), seen.times.end(),
                    [](const auto& entry) { return entry.second == 1; }));
}

TEST_CASE("who ends or begins in the middle of a walk makes it pass over nobody, nor look twice") {
  Hall hall(kMany);
  Seen seen;
  hall.walk->start(std::make_unique<Look>(seen));
  REQUIRE(seen.ends == 0);
  // From the front come those whose turn is last, from the back those that had theirs.
  std::vector<std::uint64_t> early;  // those that end before their turn
  const auto end = [&](std::uint64_t id) {
    if (!seen.times.contains(id)) early.push_back(id);
    hall.of(id).abort("test");
    hall.enter();
  };
  for (std::uint64_t batch = 0; seen.ends == 0; ++batch) {
    for (std::uint64_t id = 1 + batch; id < 300; id += 50) {
      end(id);
      end(kMany - id);
    }
    hall.worker->loop().turn(1000);
    REQUIRE(batch < 49);
  }
  CHECK(early.size() >= 6);
  for (std::uint64_t id = 1; id <= hall.last_id; ++id) {
    const bool left_out = id > kMany || std::find(early.begin(), early.end(), id) != early.end();
    if (seen.times[id] != (left_out ? 0 : 1)) FAIL("session " << id << ": " << seen.times[id]);
  }
  for (std::size_t slot = 0; slot < hall.sessions.size(); ++slot) {
    if (hall.sessions[slot]->slot != slot) FAIL("slot " << slot);
  }
}

TEST_CASE("walks come one after the other, and of those that wait the last one is kept") {
  Hall hall(kMany);
  Seen first;
  Seen dropped;
  Seen last;
  hall.walk->start(std::make_unique<Look>(first));
  hall.walk->start(std::make_unique<Look>(dropped));
  hall.walk->start(std::make_unique<Look>(last));
  CHECK(last.begins == 0);
  REQUIRE(turn_until(hall.worker->loop(), [&] { return last.ends == 1; }));
  CHECK(first.ends == 1);
  CHECK(first.times.size() == kMany);
  CHECK(last.times.size() == kMany);
  CHECK(dropped.begins == 0);
  CHECK(dropped.ends == 0);
}
