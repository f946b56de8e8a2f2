// 1xx responses, Expect and Upgrade.

#include "support/catch.h"
#include "support/plain_scene.h"

namespace culvert::test {
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
  scene.say(kExpect);
  CHECK(has(scene.asked(), "Expect: 100-continue\r\n"));
  scene.answer(crlf("HTTP/1.1 100 Continue\n\n"));
  CHECK(scene.hear() == crlf("HTTP/1.1 100 Continue\nVia: 1.1 scene\n\n"));
  scene.say("body");
  CHECK(scene.asked() == "body");
  scene.answer(kOk);
  CHECK(has(scene.hear(), "HTTP/1.1 200 OK"));
  scene.say(kGet);
  CHECK(scene.dialed() == 1);
}

TEST_CASE("RFC 9110 10.1.1: a final answer instead of 100 ends the connection") {
  PlainScene scene;
  scene.say(kExpect);
  scene.answer(crlf("HTTP/1.1 417 No\nContent-Length: 0\n\n"));
  const string heard = scene.hear();
  CHECK(has(heard, "HTTP/1.1 417 No"));
  CHECK(has(heard, "Connection: close"));
  CHECK(scene.client().ended());
}

namespace {

/// A client that expects 100, and hears this instead or first.
void expect_and_hear(PlainScene& scene, std::string_view interim) {
  scene.say(kExpect);
  scene.asked();
  if (interim.empty()) return;
  scene.answer(crlf("HTTP/1.1 " + string(interim) + "\n\n"));
  CHECK(has(scene.hear(), interim));
}

}  // namespace

TEST_CASE("RFC 9110 10.1.1: who is late when the body does not come depends on the 100") {
  PlainScene::Options options;
  options.config.response_timeout = std::chrono::milliseconds(30);
  PlainScene scene(std::move(options));
  SECTION("without any, the client waits, and the target is late") {
    expect_and_hear(scene, GENERATE("", "102 Processing", "103 Early Hints"));
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.hear(), "HTTP/1.1 504 culvert: target a.example:80 did not answer within"));
  }
  SECTION("after it, the client is late") {
    expect_and_hear(scene, "100 Continue");
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.hear(), "HTTP/1.1 408 culvert: the request's body stalled"));
  }
  SECTION("another one behind it makes no difference") {
    expect_and_hear(scene, "100 Continue");
    scene.answer(crlf("HTTP/1.1 103 Early Hints\n\n"));
    scene.pass(std::chrono::milliseconds(60));
    CHECK(has(scene.hear(), "HTTP/1.1 408 culvert: the request's body stalled"));
  }
}

TEST_CASE("RFC 9110 10.1.1: behind a final answer the body comes only if it was asked for") {
  PlainScene scene;
  SECTION("without 100, it will not come, and nobody waits for it") {
    expect_and_hear(scene, GENERATE("", "102 Processing", "103 Early Hints"));
    scene.answer(kOk);
    CHECK(scene.hear().ends_with("ok"));
    CHECK(scene.client().ended());
    CHECK(scene.asked().empty());
    CHECK(scene.target().ended());
  }
  SECTION("after 100, it is passed on") {
    expect_and_hear(scene, "100 Continue");
    scene.answer(kOk);
    CHECK(scene.hear().ends_with("ok"));
    CHECK(scene.client().ended());
    CHECK_FALSE(scene.target().ended());
    scene.say("body");
    CHECK(scene.asked() == "body");
    CHECK(scene.target().ended());
  }
  SECTION("without 100, but begun all the same, it is passed on") {
    expect_and_hear(scene, GENERATE("", "103 Early Hints"));
    scene.say("bo");
    scene.answer(kOk);
    CHECK(scene.hear().ends_with("ok"));
    scene.say("dy");
    CHECK(scene.asked() == "body");
    CHECK(scene.target().ended());
  }
}

TEST_CASE("RFC 9110 10.1.1: an HTTP/1.0 client's Expect is not passed on") {
  PlainScene scene;
  scene.say(crlf("PUT http://a.example/ HTTP/1.0\nContent-Length: 1\nExpect: 100-continue\n\nx"));
  CHECK_FALSE(has(scene.asked(), "Expect"));
}

TEST_CASE("RFC 9110 15.2: interim responses are passed on, each at once, and then the final one") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 103 Early Hints\nLink: </x>\n\n"));
  CHECK(scene.hear() == crlf("HTTP/1.1 103 Early Hints\nLink: </x>\nVia: 1.1 scene\n\n"));
  scene.answer(crlf("HTTP/1.1 102 Processing\n\n") + kOk);
  const string heard = scene.hear();
  CHECK(heard.find("102 Processing") < heard.find("200 OK"));
  CHECK(heard.ends_with("ok"));
}

TEST_CASE("RFC 9110 15.2: interim responses that come byte by byte") {
  PlainScene scene;
  scene.say(kGet);
  for (const char c : crlf("HTTP/1.1 103 Early Hints\n\nHTTP/1.1 100 Continue\n\n") + kOk) {
    scene.target().say({&c, 1});
    scene.settle();
  }
  const string heard = scene.hear();
  CHECK(heard.find("103 ") < heard.find("100 "));
  CHECK(heard.ends_with("ok"));
}

TEST_CASE("RFC 9110 15.2: an HTTP/1.0 client gets the final response only") {
  PlainScene scene;
  scene.say(crlf("GET http://a.example/ HTTP/1.0\n\n"));
  scene.answer(crlf("HTTP/1.1 103 Early Hints\n\n") + kOk);
  CHECK(scene.hear().starts_with("HTTP/1.1 200 OK"));
}

TEST_CASE("interim responses without end are a 502, and not memory") {
  PlainScene scene;
  scene.say(kGet);
  string many;
  for (int i = 0; i < 200; ++i) many += crlf("HTTP/1.1 102 Processing\n\n");
  scene.answer(many);
  CHECK(has(scene.hear(), "HTTP/1.1 502 "));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9110 15.2: interim responses wait for a client that does not read") {
  PlainScene::Options options;
  options.socket_buffer = 16 * 1024;
  options.config.response_timeout = std::chrono::milliseconds(300);
  PlainScene scene(std::move(options));
  scene.say(kGet);
  const string hints = crlf("HTTP/1.1 103 Early Hints\nLink: </" + string(8000, 'x') + ">\n\n");
  constexpr std::size_t kCount = 90;
  string rest;
  for (std::size_t i = 0; i < kCount; ++i) rest += hints;
  const auto pour = [&] {
    for (int idle = 0; idle < 3 && !rest.empty();) {
      const std::size_t taken = scene.target().say(rest);
      rest.erase(0, taken);
      idle = taken == 0 ? idle + 1 : 0;
      scene.settle();
    }
  };
  pour();
  CHECK(rest.size() > 200'000);
  SECTION("and all reach it in the end") {
    string heard;
    while (!rest.empty()) {
      pour();
      heard += scene.hear();
    }
    scene.answer(kOk);
    for (int i = 0; i < 200; ++i) heard += scene.hear();
    std::size_t count = 0;
    for (std::size_t at = 0; (at = heard.find("HTTP/1.1 103", at)) != string::npos; ++at) ++count;
    CHECK(count == kCount);
    CHECK(heard.ends_with("ok"));
  }
  SECTION("and an answer of ours does not begin within one of them") {
    scene.target().reset();
    string heard;
    for (int i = 0; i < 200; ++i) heard += scene.hear();
    CHECK(has(heard, "\r\n\r\nHTTP/1.1 502 "));
  }
  SECTION("nor when time is up") {
    scene.pass(std::chrono::milliseconds(400));
    string heard;
    for (int i = 0; i < 200; ++i) heard += scene.hear();
    const std::size_t answer = heard.find("HTTP/1.1 504 ");
    CHECK((answer == string::npos || heard.substr(0, answer).ends_with("\r\n\r\n")));
    CHECK((scene.client().ended() || scene.client().was_reset()));
  }
}

TEST_CASE("RFC 9110 7.8: 101 makes a tunnel, with what came behind it") {
  PlainScene scene;
  scene.say(kUpgrade);
  CHECK(scene.asked() == crlf("GET / HTTP/1.1\nHost: a.example\nUpgrade: websocket\n"
                              "Via: 1.1 scene\nConnection: upgrade\n\n"));
  scene.answer(kSwitching + "first");
  const string heard = scene.hear();
  CHECK(has(heard, "HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(has(heard, "Upgrade: websocket\r\n"));
  CHECK(heard.ends_with("\r\n\r\nfirst"));
  scene.say("GET nonsense\r\n\r\n");
  CHECK(scene.asked() == "GET nonsense\r\n\r\n");
  scene.client().finish();
  scene.asked();
  CHECK(scene.target().ended());
}

TEST_CASE("RFC 9110 7.8: frames that the client sent too early wait for the 101") {
  PlainScene scene;
  scene.say(kUpgrade + "early");
  CHECK_FALSE(has(scene.asked(), "early"));
  scene.answer(kSwitching);
  CHECK(scene.asked() == "early");
}

TEST_CASE("RFC 9110 7.8: without 101 it stays HTTP") {
  PlainScene scene;
  scene.say(kUpgrade + kGet);
  scene.answer(kOk);
  CHECK(has(scene.hear(), "HTTP/1.1 200 OK"));
  const string next = scene.asked();
  CHECK(next.ends_with(crlf("GET / HTTP/1.1\nHost: a.example\nVia: 1.1 scene\n\n")));
}

TEST_CASE("RFC 9110 7.8: 101 that nobody asked for is refused") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(kSwitching + "smuggled");
  const string heard = scene.hear();
  CHECK(heard.starts_with("HTTP/1.1 502 "));
  CHECK_FALSE(has(heard, "smuggled"));
}

TEST_CASE("RFC 9110 7.8 and 15.2.2: 101 to nothing, or to what was not offered, is refused") {
  for (const char* fields : {"", "Upgrade:\n", "Connection: Upgrade\nUpgrade: evil/1\n",
                             "Connection: Upgrade\nUpgrade: h2c\n",
                             "Connection: Upgrade\nUpgrade: websocket, evil/1\n"}) {
    PlainScene scene;
    scene.say(kUpgrade);
    scene.answer(crlf("HTTP/1.1 101 Switching Protocols\n" + string(fields) + "\n") + "raw");
    const string heard = scene.hear();
    CHECK(heard.starts_with("HTTP/1.1 502 "));
    CHECK(has(heard, "not offered"));
    CHECK_FALSE(has(heard, "raw"));
  }
}

TEST_CASE("RFC 9110 7.8: one of the protocols that were offered will do, in any case") {
  PlainScene scene;
  scene.say(
      crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\nConnection: Upgrade\n"
           "Upgrade: irc/6.9, h2c\nUpgrade: websocket\n\n"));
  scene.answer(crlf("HTTP/1.1 101 Switching Protocols\nUpgrade: WebSocket\n\n") + "raw");
  CHECK(scene.hear().ends_with("raw"));
}

TEST_CASE("RFC 9110 7.8: 101 within the request's body is refused") {
  PlainScene scene;
  scene.say(
      crlf("POST http://a.example/ HTTP/1.1\nHost: a.example\nConnection: Upgrade\n"
           "Upgrade: websocket\nContent-Length: 9\n\nbody"));
  scene.answer(kSwitching);
  CHECK(scene.hear().starts_with("HTTP/1.1 502 "));
}

TEST_CASE("RFC 9110 7.8: HTTP/2 is no protocol to upgrade to") {
  PlainScene scene;
  scene.say(
      crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n"
           "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AA\n\n"));
  CHECK(scene.asked() == crlf("GET / HTTP/1.1\nHost: a.example\nVia: 1.1 scene\n\n"));
}

TEST_CASE("RFC 9110 7.8: through an HTTP proxy an upgrade takes a tunnel of its own") {
  PlainScene::Options options;
  options.upstream = "http://proxy.example";
  PlainScene scene(std::move(options));
  scene.say(kGet);
  CHECK(has(scene.asked(0), "GET http://a.example/ "));
  scene.answer(kOk, 0);
  scene.say(kUpgrade);
  CHECK(scene.asked(0).empty());
  CHECK(scene.asked(1).starts_with("CONNECT a.example:80 HTTP/1.1\r\n"));
  scene.answer(crlf("HTTP/1.1 200 Fine\n\n"), 1);
  CHECK(scene.asked(1).starts_with("GET / HTTP/1.1\r\nHost: a.example\r\n"));
  SECTION("what follows a refusal stays in it, in origin-form") {
    scene.answer(crlf("HTTP/1.1 426 No\nContent-Length: 0\n\n"), 1);
    scene.say(kGet);
    CHECK(scene.dialed() == 2);
    CHECK(scene.asked(1).starts_with("GET / HTTP/1.1\r\n"));
  }
  SECTION("101") {
    scene.answer(kSwitching, 1);
    scene.say("frame");
    CHECK(scene.asked(1) == "frame");
  }
}

}  // namespace culvert::test
