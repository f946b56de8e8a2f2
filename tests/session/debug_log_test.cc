// The lines of --log-level debug about a dial, and that there are none without it.
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

UpstreamConfig named(const char* name) {
  UpstreamConfig config = socks5();
  config.name = name;
  return config;
}

}  // namespace

TEST_CASE("debug logs each attempt and where its time went") {
  RouteScene scene(Log::Level::debug);
  scene.add(named("first"));
  scene.add(named("second"));
  Peer& second = scene.peer();
  scene.proxy(0).fails(ECONNREFUSED);
  scene.proxy(1).connects(second);
  answer_greeting(second);
  grant(second);
  CHECK(scene.ask_and_wait().connected());
  CHECK_THAT(
      scene.log_text(),
      Contains(" debug gcr.io:443: trying first") &&
          Contains(" debug gcr.io:443: first: upstream socks5://proxy.example:1080 refused") &&
          Contains(" debug gcr.io:443: trying second") &&
          Contains(" debug gcr.io:443: second has connected: connect 0 ms, handshake 0 ms"));
}

TEST_CASE("debug logs when an upstream is passed over, held, and tried again") {
  RouteScene scene(Log::Level::debug);
  Upstream& upstream = scene.add(named("only"));
  Peer& back = scene.peer();
  scene.proxy(0).fails(ECONNREFUSED).connects(back);
  answer_greeting(back);
  grant(back);
  scene.break_down(upstream, kRefused);
  CHECK(scene.ask_and_wait().connected());
  CHECK_THAT(
      scene.log_text(),
      Contains(" debug only keeps failing, and is passed over for ") &&
          Contains("gcr.io:443: only is passed over if there is another, it keeps failing") &&
          Contains(
              "gcr.io:443: held: waiting for socks5://proxy.example:1080 (its port refuses yet), "
              "tried again in 0.2 s") &&
          Contains(" debug only works, and is asked first again"));
}

TEST_CASE("without debug an attempt leaves no line") {
  RouteScene scene;
  scene.add(named("only"));
  scene.grants(0);
  CHECK(scene.ask_and_wait().connected());
  CHECK(scene.log_text() == "");
}
