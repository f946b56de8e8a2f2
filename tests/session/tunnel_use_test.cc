// Which tunnels are in use, asked of several workers.
#include "server/tunnel_use.h"

#include <memory>
#include <vector>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

struct Workers {
  Workers() {
    Config config;
    config.upstreams = {direct()};
    config.listen = {ListenConfig()};
    const auto ruleset = std::make_shared<Ruleset>(
        std::move(config), std::vector<std::shared_ptr<const TlsClientContext>>(1));
    for (std::size_t i = 0; i < 2; ++i) {
      all.push_back(
          std::make_unique<Worker>(shared, ruleset, i, 2, std::vector<ListenSocket>(), [] {}));
    }
    use = std::make_unique<TunnelUse>(all, TunnelUse::Found::to<&Workers::on_found>(this));
  }

  void on_found(TunnelSet set) {
    ++answers;
    used = set;
  }
  /// In the place of their threads.
  void turn(std::size_t worker) { settle(all[worker]->loop(), 20); }

  Shared shared;
  std::vector<std::unique_ptr<Worker>> all;
  std::unique_ptr<TunnelUse> use;
  int answers = 0;
  TunnelSet used = kAllTunnels;
};

}  // namespace

TEST_CASE("which tunnels are used is known once all workers have told") {
  Workers workers;
  workers.use->start();
  workers.turn(0);
  CHECK(workers.answers == 0);
  workers.turn(1);
  workers.turn(0);
  CHECK(workers.answers == 1);
  CHECK(workers.used == 0);
  // Once a second, until it is known enough.
  REQUIRE(turn_until(
      workers.all[0]->loop(),
      [&] {
        workers.turn(1);
        return workers.answers >= 2;
      },
      20s));
  workers.use->stop();
  turn_for(workers.all[0]->loop(), 1200ms);
  workers.turn(1);
  workers.turn(0);
  CHECK(workers.answers == 2);
}

TEST_CASE("an answer to an earlier question says nothing") {
  Workers workers;
  workers.use->start();
  workers.turn(1);
  workers.use->start();
  workers.turn(0);
  CHECK(workers.answers == 0);
  workers.turn(1);
  workers.use->stop();
  workers.turn(0);
  CHECK(workers.answers == 0);
}
