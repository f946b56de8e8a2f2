// One request after the other: which connections live on, and which must not.

#include <array>

#include "support/catch.h"
#include "support/plain_scene.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;

bool has(const string& text, std::string_view part) { return text.find(part) != string::npos; }

string get(std::string_view path, std::string_view host = "a.example") {
  return crlf("GET http://" + string(host) + string(path) + " HTTP/1.1\nHost: " + string(host) +
              "\n\n");
}

string ok(std::string_view body, std::string_view fields = "") {
  return crlf("HTTP/1.1 200 OK\nDate: x\n" + string(fields) +
              "Content-Length: " + std::to_string(body.size()) + "\n\n") +
         string(body);
}

string passed_on(std::string_view body, std::string_view more = "") {
  return crlf("HTTP/1.1 200 OK\nDate: x\nContent-Length: " + std::to_string(body.size()) +
              "\nVia: 1.1 scene\n" + string(more) + "\n") +
         string(body);
}

}  // namespace

TEST_CASE("RFC 9112 9.3: connections persist on both sides") {
  PlainScene scene;
  for (const char* path : {"/1", "/2", "/3"}) {
    scene.send(get(path));
    CHECK(has(scene.at_target(), string("GET ") + path + " HTTP/1.1\r\n"));
    scene.answer(ok(path));
    CHECK(scene.receive() == passed_on(path));
  }
  CHECK(scene.dialed() == 1);
  CHECK(scene.access_lines().size() == 3);
}

TEST_CASE("RFC 9112 9.3.2: pipelined requests are answered in order") {
  PlainScene scene;
  scene.send(get("/1") + get("/2") + get("/3"));
  CHECK(has(scene.at_target(), "GET /1 "));
  scene.answer(ok("one"));
  CHECK(has(scene.at_target(), "GET /2 "));
  scene.answer(ok("two"));
  scene.answer(ok("three"));
  CHECK(scene.receive() == passed_on("one") + passed_on("two") + passed_on("three"));
}

TEST_CASE("RFC 9112 9.3.2: what is pipelined behind a body is another request") {
  PlainScene scene;
  scene.send(crlf("POST http://a.example/1 HTTP/1.1\nHost: a.example\nContent-Length: 4\n\n") +
             "body" + get("/2"));
  const string first = scene.at_target();
  CHECK(has(first, "\r\n\r\nbody"));
  CHECK_FALSE(has(first, "/2"));
  scene.answer(ok(""));
  CHECK(has(scene.at_target(), "GET /2 "));
}

TEST_CASE("RFC 9112 9.3: a client's close is kept") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\nConnection: close\n\n"));
  scene.answer(ok("x"));
  CHECK(scene.receive() == passed_on("x", "Connection: close\n"));
  CHECK(scene.client().ended());
  scene.at_target();
  CHECK(scene.target().ended());
}

TEST_CASE("RFC 9112 9.3: an HTTP/1.0 client is closed, keep-alive or not") {
  for (const char* option : {"", "Connection: keep-alive\n", "Proxy-Connection: keep-alive\n"}) {
    PlainScene scene;
    scene.send(crlf("GET http://a.example/ HTTP/1.0\n" + string(option) + "\n"));
    scene.answer(ok("x"));
    CHECK(scene.receive() == passed_on("x", "Connection: close\n"));
    CHECK(scene.client().ended());
  }
}

TEST_CASE("RFC 9112 9.3: a server's close ends its connection, not the client's") {
  for (const char* answer : {"HTTP/1.1 200 OK\nDate: x\nConnection: close\nContent-Length: 1\n\nx",
                             "HTTP/1.0 200 OK\nDate: x\nContent-Length: 1\n\nx"}) {
    PlainScene scene;
    scene.send(get("/1"));
    scene.answer(crlf(answer));
    CHECK_FALSE(has(scene.receive(), "Connection: close"));
    scene.at_target();
    CHECK(scene.target(0).ended());
    scene.send(get("/2"));
    CHECK(has(scene.at_target(1), "GET /2 "));
  }
}

TEST_CASE("RFC 9112 9.3: an HTTP/1.0 server that keeps alive is reused") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(crlf("HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 1\n\nx"));
  scene.send(get("/2"));
  CHECK(scene.dialed() == 1);
}

TEST_CASE("another target gets another connection") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.send(get("/2", "b.example"));
  REQUIRE(scene.dialed() == 2);
  CHECK(scene.dialed_address(1) == "b.example:80");
  CHECK(has(scene.at_target(1), "Host: b.example\r\n"));
}

TEST_CASE("an upstream proxy's connection serves every target") {
  PlainScene::Options options;
  options.upstream = "http://proxy.example";
  PlainScene scene(std::move(options));
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.send(get("/2", "b.example"));
  CHECK(scene.dialed() == 1);
  CHECK(has(scene.at_target(), "GET http://b.example/2 HTTP/1.1\r\nHost: b.example\r\n"));
}

TEST_CASE("a target that closed while idle is dialed anew") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.target().finish();
  scene.send(get("/2"));
  CHECK(scene.dialed() == 2);
  CHECK(has(scene.at_target(1), "GET /2 "));
}

TEST_CASE("a target that closed behind its answer is dialed anew for what was pipelined") {
  PlainScene scene;
  scene.send(get("/1") + crlf("POST http://a.example/2 HTTP/1.1\nHost: a.example\n\n"));
  SocketPeer& target = scene.target();
  target.send(ok("x"));
  target.finish();
  CHECK(has(scene.at_target(1), "POST /2 "));
  scene.answer(ok("two"), 1);
  CHECK(scene.receive() == passed_on("x") + passed_on("two"));
}

TEST_CASE("unsolicited bytes end a connection's use") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.answer(ok("smuggled"));
  scene.send(get("/2"));
  CHECK(scene.dialed() == 2);
  scene.answer(ok("two"), 1);
  CHECK(scene.receive() == passed_on("x") + passed_on("two"));
}

TEST_CASE("bytes glued behind an answer end a connection's use") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x") + ok("smuggled"));
  scene.send(get("/2"));
  CHECK(scene.dialed() == 2);
  scene.answer(ok("two"), 1);
  CHECK(scene.receive() == passed_on("x") + passed_on("two"));
}

TEST_CASE("RFC 9110 9.2.2: an idempotent request on a stale connection is sent once more") {
  for (const bool reset : {false, true}) {
    PlainScene scene;
    scene.send(get("/1"));
    scene.answer(ok("x"));
    scene.receive();
    scene.send(get("/2"));
    CHECK(has(scene.at_target(), "GET /2 "));
    reset ? scene.target(0).reset() : scene.target(0).finish();
    CHECK(has(scene.at_target(1), "GET /2 "));
    scene.answer(ok("two"), 1);
    CHECK(scene.receive() == passed_on("two"));
    scene.send(get("/3"));
    CHECK(scene.dialed() == 2);
  }
}

TEST_CASE("RFC 9110 9.2.2: and only once") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.send(get("/2"));
  scene.target(0).finish();
  scene.target(1).finish();
  CHECK(has(scene.receive(), "HTTP/1.1 502 "));
  CHECK(scene.dialed() == 2);
}

TEST_CASE("RFC 9110 9.2.2: a POST is not sent twice, nor what has a body") {
  for (const char* request :
       {"POST http://a.example/2 HTTP/1.1\nHost: a.example\n\n",
        "PUT http://a.example/2 HTTP/1.1\nHost: a.example\nContent-Length: 1\n\nx"}) {
    PlainScene scene;
    scene.send(get("/1"));
    scene.answer(ok("x"));
    scene.receive();
    scene.send(crlf(request));
    scene.target(0).finish();
    CHECK(has(scene.receive(),
              "HTTP/1.1 502 culvert: target a.example:80 closed the connection "
              "without an answer - it was kept from an earlier request, and went stale"));
    CHECK(scene.dialed() == 1);
  }
}

TEST_CASE("RFC 9112 9.3.1: what cannot be sent twice gets a fresh connection after a pause") {
  constexpr std::array kOnce = {
      "POST http://a.example/2 HTTP/1.1\nHost: a.example\nContent-Length: 0\n\n",
      "PUT http://a.example/2 HTTP/1.1\nHost: a.example\nContent-Length: 1\n\nx",
      "PUT http://a.example/2 HTTP/1.1\nHost: a.example\nTransfer-Encoding: chunked\n\n0\n\n"};
  constexpr std::array kTwice = {
      "GET http://a.example/2 HTTP/1.1\nHost: a.example\n\n",
      "DELETE http://a.example/2 HTTP/1.1\nHost: a.example\nContent-Length: 0\n\n"};
  const auto dials = [](const char* request, std::chrono::milliseconds pause) {
    PlainScene scene;
    scene.send(get("/1"));
    scene.answer(ok("x"));
    scene.pass(pause);
    scene.send(crlf(request));
    CHECK(has(scene.at_target(scene.dialed() - 1), "/2 HTTP/1.1"));
    return scene.dialed();
  };
  constexpr std::chrono::milliseconds kPause{1'001};
  for (const char* request : kOnce) CHECK(dials(request, {}) == 1);
  for (const char* request : kOnce) CHECK(dials(request, kPause) == 2);
  for (const char* request : kTwice) CHECK(dials(request, kPause) == 1);
}

TEST_CASE("RFC 9110 9.2.2: a fresh connection that closes is no stale one") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.target(0).finish();
  CHECK(has(scene.receive(), "HTTP/1.1 502 "));
  CHECK(scene.dialed() == 1);
}

TEST_CASE("an idle client is left in silence") {
  PlainScene::Options options;
  options.config.keep_alive_timeout = std::chrono::milliseconds(20);
  PlainScene scene(std::move(options));
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.pass(std::chrono::milliseconds(19));
  CHECK(scene.receive() == passed_on("x"));
  CHECK_FALSE(scene.client().ended());
  scene.pass(std::chrono::milliseconds(1));
  CHECK(scene.receive().empty());
  CHECK(scene.client().ended());
  CHECK(scene.access_lines().size() == 1);
}

TEST_CASE("RFC 9112 2.2: an empty line behind a body begins no request") {
  PlainScene::Options options;
  options.config.keep_alive_timeout = std::chrono::milliseconds(1'000);
  options.config.header_timeout = std::chrono::milliseconds(150);
  PlainScene scene(std::move(options));
  const string stray = GENERATE("\r\n", "\r", "\r\n\r\n");
  scene.send(crlf("POST http://a.example/1 HTTP/1.1\nHost: a.example\nContent-Length: 1\n\n") +
             "x" + stray);
  scene.answer(ok("x"));
  CHECK(scene.receive() == passed_on("x"));
  SECTION("and the wait for one is as long, and as quiet, as without it") {
    scene.pass(std::chrono::milliseconds(999));
    CHECK_FALSE(scene.over());
    scene.pass(std::chrono::milliseconds(1));
    CHECK(scene.receive().empty());
    CHECK(scene.client().ended());
  }
  SECTION("nor does a client that leaves then leave within one") {
    scene.client().finish();
    scene.settle();
    CHECK(scene.over());
  }
  SECTION("nor is one waited for when we drain") {
    scene.begin_drain();
    scene.pass(std::chrono::milliseconds(5));
    CHECK(scene.receive().empty());
    CHECK(scene.client().ended());
  }
  CHECK(scene.access_lines().size() == 1);
}

TEST_CASE("RFC 9112 2.2: a request that began behind an empty line is waited for as any other") {
  PlainScene::Options options;
  options.config.header_timeout = std::chrono::milliseconds(200);
  PlainScene scene(std::move(options));
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.receive();
  scene.send("\r\n");
  SECTION("it stalls") {
    scene.send("G");
    scene.pass(std::chrono::milliseconds(199));
    CHECK(scene.receive().empty());
    scene.pass(std::chrono::milliseconds(1));
    CHECK(has(scene.receive(), "HTTP/1.1 408 "));
  }
  SECTION("it comes") {
    scene.send(get("/2"));
    CHECK(has(scene.at_target(), "GET /2 "));
  }
}

TEST_CASE("a draining proxy closes after the current response") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.begin_drain();
  scene.answer(ok("x"));
  CHECK(scene.receive() == passed_on("x", "Connection: close\n"));
  CHECK(scene.client().ended());
}

TEST_CASE("a draining proxy closes idle connections at once") {
  PlainScene scene;
  scene.send(get("/1"));
  scene.answer(ok("x"));
  scene.begin_drain();
  scene.pass(std::chrono::milliseconds(5));
  CHECK(scene.receive() == passed_on("x"));
  CHECK(scene.client().ended());
}

TEST_CASE("an access line is about its own exchange only") {
  PlainScene scene;
  scene.send(crlf("POST http://a.example/1 HTTP/1.1\nHost: a.example\nContent-Length: 4\n\nbody"));
  scene.answer(ok("answer"));
  scene.send("nonsense\r\n\r\n");
  scene.receive();
  scene.client().finish();
  scene.settle();
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 2);
  CHECK(has(lines[0], "http://a.example/1"));
  CHECK(has(lines[0], "200"));
  CHECK_FALSE(has(lines[1], "a.example"));
  CHECK_FALSE(has(lines[1], "POST"));
}
