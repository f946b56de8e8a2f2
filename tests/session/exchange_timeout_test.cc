// Plain requests in which little moves, or nothing.
#include "support/catch.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGet = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
const std::string kBody = numbered_bytes(60'000);

std::string with_length(const std::string& body) {
  return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string chunked(const std::string& body) {
  return "Transfer-Encoding: chunked\r\n\r\nea60\r\n" + body + "\r\n0\r\n\r\n";
}

/// The peer takes a little now and then: less in all than it is given, for longer than any limit.
void take_slowly(Scene& scene, Peer& peer) {
  for (int i = 0; i < 10; ++i) {
    turn_for(scene.loop, 70ms);
    peer.takes(100);
  }
}

}  // namespace

TEST_CASE("a client that takes its answer slowly is not idle") {
  Scene scene;
  scene.config.idle_timeout = 600ms;
  scene.client.sends(kGet).expects_end();
  scene.client.takes(1);
  SECTION("with a length, what left with the head") {
    scene.upstream.sends("HTTP/1.1 200 OK\r\n" + with_length(kBody));
    scene.start();
  }
  SECTION("with a length, what came behind the head") {
    scene.client.takes_all();
    scene.upstream.sends("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
    scene.start();
    settle(scene.loop);
    scene.client.takes(1);
    scene.upstream.sends(kBody);
  }
  SECTION("in chunks") {
    scene.upstream.sends("HTTP/1.1 200 OK\r\n" + chunked(kBody));
    scene.start();
  }
  take_slowly(scene, scene.client);
  CHECK(scene.finished == 0);
  // And once it takes nothing any more, it is the one that is named.
  const auto last = scene.loop.now();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - last == 600ms);
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=http_response_timeout stage=exchange status=200 ") &&
                 Contains("detail=\"took nothing of the answer for 0.6 s\""));
}

TEST_CASE("a target that takes its request slowly is not late with its answer") {
  Scene scene;
  scene.config.response_timeout = 600ms;
  const std::string post = "POST http://a.example/ HTTP/1.1\r\nHost: a.example\r\n";
  scene.client.sends(post + (GENERATE(true, false) ? with_length(kBody) : chunked(kBody)));
  scene.upstream.takes(1);
  scene.start();
  take_slowly(scene, scene.upstream);
  CHECK(scene.finished == 0);
  CHECK(scene.client.received() == "");
  scene.upstream.takes_all();
  scene.upstream.sends("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  settle(scene.loop);
  CHECK_THAT(scene.client.received(), Contains("200 OK"));
}
