// 1xx responses, Expect and Upgrade.

#include "support/catch.h"
#include "support/plain_scene.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;

bool has(const string& text, std::string_view part) { return text.find(part) != string::npos; }

const string kGet = crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n");
const string kOk = crlf("HTTP/1.1 200 OK\nDate: x\nContent-Length: 2\n\nok");
const string kExpect = crlf(
    "PUT http://a.example/ HTTP/1.1\nHost: a.example\nContent-Length: 4\nExpect: 100-continue\n\n");
const string kUpgrade = crlf(
    "GET http://a.example/ HTTP/1.1\nHost: a.example\nConnection: Upgrade\nUpgrade: websocket\n\n");
const string kSwitching =
    crlf("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\n\n");

}  // namespace

TEST_CASE("RFC 9110 10.1.1: Expect goes on, and the 100 comes back at once") {
  PlainScene scene;
  scene.send(kExpect);
  CHECK(has(scene.at_target(), "Expect: 100-continue\r\n"));
  scene.answer(crlf("HTTP/1.1 100 Continue\n\n"));
  CHECK(scene.receive() == crlf("HTTP/1.1 100 Continue\nVia: 1.1 scene\n\n"));
  scene.send("body");
  CHECK(scene.at_target() == "body");
  scene.answer(kOk);
  CHECK(has(scene.receive(), "HTTP/1.1 200 OK"));
  scene.send(kGet);
  CHECK(scene.dialed() == 1);
}

TEST_CASE("RFC 9110 10.1.1: a final answer instead of 100 ends the connection") {
  PlainScene scene;
  scene.send(kExpect);
  scene.answer(crlf("HTTP/1.1 417 No\nContent-Length: 0\n\n"));
  const string received = scene.receive();
  CHECK(has(received, "HTTP/1.1 417 No"));
  CHECK(has(received, "Connection: close"));
  CHECK(scene.client().ended());
}

namespace {

/// A client that expects 100, and receives this instead or first.
void expect_and_hear(PlainScene& scene, std::string_view interim) {
  scene.send(kExpect);
  scene.at_target();
  if (interim.empty()) return;
  scene.answer(crlf("HTTP/1.1 " + string(interim) + "\n\n"));
  CHECK(has(scene.receive(), interim));
}

}  // namespace

TEST_CASE("RFC 9110 10.1.1: who is late when the body does not come depends on the 100") {
  PlainScene::Options options;
  options.config.response_timeout = std::chrono::milliseconds(30);
  PlainScene scene(std::move(options));
  SECTION("without any, the client waits, and the target is late") {
    expect_and_hear(scene, GENERATE("", "102 Processing", "103 Early Hints"));
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.receive(), "HTTP/1.1 504 culvert: target a.example:80 did not answer within"));
  }
  SECTION("after it, the client is late") {
    expect_and_hear(scene, "100 Continue");
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.receive(), "HTTP/1.1 408 culvert: the request's body stalled"));
  }
  SECTION("another one behind it makes no difference") {
    expect_and_hear(scene, "100 Continue");
    scene.answer(crlf("HTTP/1.1 103 Early Hints\n\n"));
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.receive(), "HTTP/1.1 408 culvert: the request's body stalled"));
  }
}

TEST_CASE("RFC 9110 10.1.1: after a final response the body is sent only if it was requested") {
  PlainScene scene;
  SECTION("without 100, it will not come, and nobody waits for it") {
    expect_and_hear(scene, GENERATE("", "102 Processing", "103 Early Hints"));
    scene.answer(kOk);
    CHECK(scene.receive().ends_with("ok"));
    CHECK(scene.client().ended());
    CHECK(scene.at_target().empty());
    CHECK(scene.target().ended());
  }
  SECTION("after 100, it is passed on") {
    expect_and_hear(scene, "100 Continue");
    scene.answer(kOk);
    CHECK(scene.receive().ends_with("ok"));
    CHECK(scene.client().ended());
    CHECK_FALSE(scene.target().ended());
    scene.send("body");
    CHECK(scene.at_target() == "body");
    CHECK(scene.target().ended());
  }
  SECTION("without 100, but begun all the same, it is passed on") {
    expect_and_hear(scene, GENERATE("", "103 Early Hints"));
    scene.send("bo");
    scene.answer(kOk);
    CHECK(scene.receive().ends_with("ok"));
    scene.send("dy");
    CHECK(scene.at_target() == "body");
    CHECK(scene.target().ended());
  }
}

TEST_CASE("RFC 9110 10.1.1: an HTTP/1.0 client's Expect is not passed on") {
  PlainScene scene;
  scene.send(crlf("PUT http://a.example/ HTTP/1.0\nContent-Length: 1\nExpect: 100-continue\n\nx"));
  CHECK_FALSE(has(scene.at_target(), "Expect"));
}

TEST_CASE("RFC 9110 15.2: interim responses are passed on, each at once, and then the final one") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 103 Early Hints\nLink: </x>\n\n"));
  CHECK(scene.receive() == crlf("HTTP/1.1 103 Early Hints\nLink: </x>\nVia: 1.1 scene\n\n"));
  scene.answer(crlf("HTTP/1.1 102 Processing\n\n") + kOk);
  const string received = scene.receive();
  CHECK(received.find("102 Processing") < received.find("200 OK"));
  CHECK(received.ends_with("ok"));
}

TEST_CASE("RFC 9110 15.2: interim responses that come byte by byte") {
  PlainScene scene;
  scene.send(kGet);
  for (const char c : crlf("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 100 Continue\n\n") + kOk) {
    scene.target().send({&c, 1});
    scene.settle();
  }
  const string received = scene.receive();
  CHECK(received.find("103 ") < received.find("100 "));
  CHECK(received.ends_with("ok"));
}

TEST_CASE("RFC 9110 15.2: an HTTP/1.0 client gets the final response only") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.0\n\n"));
  scene.answer(crlf("HTTP/1.1 103 Early Hints\n\n") + kOk);
  CHECK(scene.receive().starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("interim responses without end are a 502, and not memory") {
  PlainScene scene;
  scene.send(kGet);
  const string hints = crlf("HTTP/1.1 103 Early Hints\nLink: </" + string(16'000, 'x') + ">\n\n");
  string received;
  for (int i = 0; i < 100 && !scene.client().ended(); ++i) {
    scene.target().send(hints);
    received += scene.receive();
  }
  CHECK(has(received,
            "HTTP/1.1 502 culvert: target a.example:80 sent a bad answer: there are too "
            "many interim responses"));
  CHECK(received.size() > 1'000'000);
  CHECK(received.size() < 1'100'000);
}

TEST_CASE("RFC 9110 15.2: any number of small interim responses is passed on") {
  PlainScene scene;
  scene.send(kGet);
  string many;
  for (int i = 0; i < 1'000; ++i) many += crlf("HTTP/1.1 102 Processing\n\n");
  scene.answer(many);
  string received = scene.receive();
  scene.answer(kOk);
  received += scene.receive();
  std::size_t count = 0;
  for (std::size_t at = 0; (at = received.find("HTTP/1.1 102", at)) != string::npos; ++at) ++count;
  CHECK(count == 1'000);
  CHECK(received.ends_with("ok"));
}

TEST_CASE("RFC 9110 15.2: an interim response is a sign of life, for hours") {
  PlainScene::Options options;
  options.config.response_timeout = std::chrono::milliseconds(31'000);
  PlainScene scene(std::move(options));
  scene.send(kGet);
  // 2.4 MB in all.
  const string heartbeat = crlf("HTTP/1.1 102 Processing\nX: " + string(12'000, 'x') + "\n\n");
  for (int i = 0; i < 200; ++i) {
    scene.answer(heartbeat);
    CHECK(scene.receive().starts_with("HTTP/1.1 102 "));
    scene.pass(std::chrono::milliseconds(30'000));
  }
  SECTION("until the final response") {
    scene.answer(kOk);
    CHECK(scene.receive().ends_with("ok"));
  }
  SECTION("until there is none for too long") {
    scene.pass(std::chrono::milliseconds(999));
    CHECK(scene.receive().empty());
    scene.pass(std::chrono::milliseconds(1));
    CHECK(has(scene.receive(), "HTTP/1.1 504 culvert: target a.example:80 did not answer within"));
  }
}

TEST_CASE("RFC 9110 15.2: interim responses wait for a client that does not read") {
  PlainScene::Options options;
  options.socket_buffer = 16 * 1024;
  options.config.response_timeout = std::chrono::milliseconds(300);
  PlainScene scene(std::move(options));
  scene.send(kGet);
  const string hints = crlf("HTTP/1.1 103 Early Hints\nLink: </" + string(8000, 'x') + ">\n\n");
  constexpr std::size_t kCount = 90;
  string rest;
  for (std::size_t i = 0; i < kCount; ++i) rest += hints;
  const auto pour = [&] {
    for (int idle = 0; idle < 3 && !rest.empty();) {
      const std::size_t taken = scene.target().send(rest);
      rest.erase(0, taken);
      idle = taken == 0 ? idle + 1 : 0;
      scene.settle();
    }
  };
  pour();
  CHECK(rest.size() > 200'000);
  SECTION("and all reach it in the end") {
    string received;
    while (!rest.empty()) {
      pour();
      received += scene.receive();
    }
    scene.answer(kOk);
    for (int i = 0; i < 200; ++i) received += scene.receive();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = received.find("HTTP/1.1 103", at)) != string::npos; ++at)
      ++count;
    CHECK(count == kCount);
    CHECK(received.ends_with("ok"));
  }
  SECTION("and an answer of ours does not begin within one of them") {
    scene.target().reset();
    string received;
    for (int i = 0; i < 200; ++i) received += scene.receive();
    CHECK(has(received, "\r\n\r\nHTTP/1.1 502 "));
  }
  SECTION("nor when time is up") {
    scene.pass(std::chrono::milliseconds(400));
    string received;
    for (int i = 0; i < 200; ++i) received += scene.receive();
    const std::size_t answer = received.find("HTTP/1.1 504 ");
    CHECK((answer == string::npos || received.substr(0, answer).ends_with("\r\n\r\n")));
    CHECK((scene.client().ended() || scene.client().was_reset()));
  }
}

TEST_CASE("RFC 9110 7.8: 101 makes a tunnel, with what came behind it") {
  PlainScene scene;
  scene.send(kUpgrade);
  CHECK(scene.at_target() == crlf("GET / HTTP/1.1\nHost: a.example\nUpgrade: websocket\n"
                                  "Via: 1.1 scene\nConnection: upgrade\n\n"));
  scene.answer(kSwitching + "first");
  const string received = scene.receive();
  CHECK(has(received, "HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(has(received, "Upgrade: websocket\r\n"));
  CHECK(received.ends_with("\r\n\r\nfirst"));
  scene.send("GET nonsense\r\n\r\n");
  CHECK(scene.at_target() == "GET nonsense\r\n\r\n");
  scene.client().finish();
  scene.at_target();
  CHECK(scene.target().ended());
}

TEST_CASE("RFC 9110 7.8: frames that the client sent too early wait for the 101") {
  PlainScene scene;
  scene.send(kUpgrade + "early");
  CHECK_FALSE(has(scene.at_target(), "early"));
  scene.answer(kSwitching);
  CHECK(scene.at_target() == "early");
}

TEST_CASE("RFC 9110 7.8: without 101 it stays HTTP") {
  PlainScene scene;
  scene.send(kUpgrade + kGet);
  scene.answer(kOk);
  CHECK(has(scene.receive(), "HTTP/1.1 200 OK"));
  const string next = scene.at_target();
  CHECK(next.ends_with(crlf("GET / HTTP/1.1\nHost: a.example\nVia: 1.1 scene\n\n")));
}

TEST_CASE("RFC 9110 7.8: an unsolicited 101 is refused") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(kSwitching + "smuggled");
  const string received = scene.receive();
  CHECK(received.starts_with("HTTP/1.1 502 "));
  CHECK_FALSE(has(received, "smuggled"));
}

TEST_CASE("RFC 9110 7.8 and 15.2.2: 101 to nothing, or to what was not offered, is refused") {
  for (const char* fields : {"", "Upgrade:\n", "Connection: Upgrade\nUpgrade: evil/1\n",
                             "Connection: Upgrade\nUpgrade: h2c\n",
                             "Connection: Upgrade\nUpgrade: websocket, evil/1\n"}) {
    PlainScene scene;
    scene.send(kUpgrade);
    scene.answer(crlf("HTTP/1.1 101 Switching Protocols\n" + string(fields) + "\n") + "raw");
    const string received = scene.receive();
    CHECK(received.starts_with("HTTP/1.1 502 "));
    CHECK(has(received, "not offered"));
    CHECK_FALSE(has(received, "raw"));
  }
}

TEST_CASE("RFC 9110 7.8: one of the protocols that were offered will do, in any case") {
  PlainScene scene;
  scene.send(
      crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\nConnection: Upgrade\n"
           "Upgrade: irc/6.9, h2c\nUpgrade: websocket\n\n"));
  scene.answer(crlf("HTTP/1.1 101 Switching Protocols\nUpgrade: WebSocket\n\n") + "raw");
  CHECK(scene.receive().ends_with("raw"));
}

TEST_CASE("RFC 9110 7.8: 101 within the request's body is refused") {
  PlainScene scene;
  scene.send(
      crlf("POST http://a.example/ HTTP/1.1\nHost: a.example\nConnection: Upgrade\n"
           "Upgrade: websocket\nContent-Length: 9\n\nbody"));
  scene.answer(kSwitching);
  CHECK(scene.receive().starts_with("HTTP/1.1 502 "));
}

TEST_CASE("RFC 9110 7.8: HTTP/2 is no protocol to upgrade to") {
  PlainScene scene;
  scene.send(
      crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n"
           "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AA\n\n"));
  CHECK(scene.at_target() == crlf("GET / HTTP/1.1\nHost: a.example\nVia: 1.1 scene\n\n"));
}

TEST_CASE("RFC 6455 3: a ws:// URL with Upgrade is http:// until the 101") {
  PlainScene scene;
  scene.send(
      crlf("GET ws://a.example/chat HTTP/1.1\nHost: a.example\n"
           "Connection: Upgrade\nUpgrade: websocket\n\n"));
  CHECK(scene.dialed_address(0) == "a.example:80");
  CHECK(scene.at_target() == crlf("GET /chat HTTP/1.1\nHost: a.example\nUpgrade: websocket\n"
                                  "Via: 1.1 scene\nConnection: upgrade\n\n"));
  scene.answer(kSwitching);
  CHECK(scene.receive().starts_with("HTTP/1.1 101 "));
  scene.send("frame");
  CHECK(scene.at_target() == "frame");
}

TEST_CASE("RFC 9110 7.8: where an HTTP proxy refuses the tunnel, it is asked for the upgrade") {
  const string refusal = GENERATE("403 Forbidden", "405 Not Allowed", "501 Not Implemented");
  PlainScene::Options options;
  options.upstream = "http://user:pass@proxy.example";
  PlainScene scene(std::move(options));
  scene.send(kUpgrade + "early");
  CHECK(scene.at_target(0).starts_with("CONNECT a.example:80 HTTP/1.1\r\n"));
  scene.answer(crlf("HTTP/1.1 " + refusal + "\nContent-Length: 0\n\n"), 0);
  CHECK(scene.at_target(0).empty());
  CHECK((scene.target(0).ended() || scene.target(0).was_reset()));
  CHECK(scene.receive().empty());
  CHECK(scene.at_target(1) ==
        crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\nUpgrade: websocket\n"
             "Proxy-Authorization: Basic secret\nVia: 1.1 scene\nConnection: upgrade\n\n"));
  SECTION("101 makes a tunnel") {
    scene.answer(kSwitching + "first", 1);
    CHECK(scene.receive().ends_with("\r\n\r\nfirst"));
    CHECK(scene.at_target(1) == "early");
    scene.client().finish();
    scene.target(1).finish();
    scene.settle();
    const auto lines = scene.access_lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], " outcome=ok stage=tunnel status=101 "));
    CAPTURE(lines[0]);
    CHECK(has(lines[0], "attempts failed: upstream http://proxy.example"));
    CHECK(has(lines[0], " answered " + refusal.substr(0, 3)));
  }
  SECTION("any other answer is the client's") {
    scene.answer(crlf("HTTP/1.1 426 No\nUpgrade: websocket\nContent-Length: 2\n\nno"), 1);
    const string received = scene.receive();
    CHECK(received.starts_with("HTTP/1.1 426 No\r\n"));
    CHECK(received.ends_with("no"));
    CHECK(scene.dialed() == 2);
  }
  SECTION("if it closes instead, that is the end") {
    scene.target(1).finish();
    CHECK(has(scene.receive(), " (for a.example:80) closed the connection without an answer"));
    CHECK(scene.dialed() == 2);
  }
}

TEST_CASE("RFC 9110 7.8: other refusals of the tunnel stand") {
  const string refusal = GENERATE("407 Who", "404 No", "429 Slow", "502 Bad", "503 No", "504 Late");
  PlainScene::Options options;
  options.upstream = "http://proxy.example";
  PlainScene scene(std::move(options));
  scene.send(kUpgrade);
  scene.answer(crlf("HTTP/1.1 " + refusal + "\nContent-Length: 0\n\n"), 0);
  CHECK(has(scene.receive(), "answered " + refusal.substr(0, 3)));
  CHECK(scene.dialed() == 1);
}

TEST_CASE("RFC 9110 7.8: a refusal of the tunnel by anything but an HTTP proxy stands") {
  PlainScene::Options options;
  options.upstream = "socks5://proxy.example";
  PlainScene scene(std::move(options));
  scene.send(kUpgrade);
  scene.answer(string("\x05\x00", 2));
  scene.answer(string("\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", 10));
  CHECK(has(scene.receive(), "does not allow a.example:80"));
  CHECK(scene.dialed() == 1);
}

TEST_CASE("RFC 9110 7.8: through an HTTP proxy an upgrade takes a tunnel of its own") {
  PlainScene::Options options;
  options.upstream = "http://proxy.example";
  PlainScene scene(std::move(options));
  scene.send(kGet);
  CHECK(has(scene.at_target(0), "GET http://a.example/ "));
  scene.answer(kOk, 0);
  scene.send(kUpgrade);
  CHECK(scene.at_target(0).empty());
  CHECK(scene.at_target(1).starts_with("CONNECT a.example:80 HTTP/1.1\r\n"));
  scene.answer(crlf("HTTP/1.1 200 Fine\n\n"), 1);
  CHECK(scene.at_target(1).starts_with("GET / HTTP/1.1\r\nHost: a.example\r\n"));
  SECTION("what follows a refusal stays in it, in origin-form") {
    scene.answer(crlf("HTTP/1.1 426 No\nContent-Length: 0\n\n"), 1);
    scene.send(kGet);
    CHECK(scene.dialed() == 2);
    CHECK(scene.at_target(1).starts_with("GET / HTTP/1.1\r\n"));
  }
  SECTION("101") {
    scene.answer(kSwitching, 1);
    scene.send("frame");
    CHECK(scene.at_target(1) == "frame");
  }
}
