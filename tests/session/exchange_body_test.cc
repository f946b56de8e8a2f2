// Bodies: each framing on either side, streamed and never gathered.

#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;

bool has(const string& text, std::string_view part) { return text.find(part) != string::npos; }

string body_of(const string& message) { return message.substr(message.find("\r\n\r\n") + 4); }

const string kGet = crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n");
const string kGet10 = crlf("GET http://a.example/ HTTP/1.0\n\n");
const string kHead = crlf("HEAD http://a.example/ HTTP/1.1\nHost: a.example\n\n");

string post(std::string_view framing) {
  return crlf("POST http://a.example/ HTTP/1.1\nHost: a.example\n" + string(framing) + "\n\n");
}

}  // namespace

TEST_CASE("RFC 9112 6.2: a request body with Content-Length goes on as it comes") {
  PlainScene scene;
  scene.send(post("Content-Length: 10"));
  CHECK(has(scene.at_target(), "Content-Length: 10\r\n"));
  scene.send("01234");
  CHECK(scene.at_target() == "01234");
  scene.send("56789");
  CHECK(scene.at_target() == "56789");
}

TEST_CASE("RFC 9112 7.1: chunks go on, extensions dropped and trailers kept") {
  PlainScene scene;
  scene.send(post("Transfer-Encoding: chunked\nTrailer: X-Sum"));
  CHECK(has(scene.at_target(), crlf("Trailer: X-Sum\nTransfer-Encoding: chunked\n")));
  scene.send("0005;name=value\r\nhello\r\n");
  CHECK(scene.at_target() == "5\r\nhello\r\n");
  scene.send(crlf("0;last\nX-Sum: 1\nContent-Length: 7\n\n"));
  CHECK(scene.at_target() == crlf("0\nX-Sum: 1\n\n"));
}

TEST_CASE("RFC 9112 7.1: a chunk goes on before it is whole") {
  PlainScene scene;
  scene.send(post("Transfer-Encoding: chunked"));
  scene.at_target();
  scene.send("a\r\n0123");
  CHECK(scene.at_target() == "4\r\n0123\r\n");
}

TEST_CASE("RFC 9112 6.3: a response with Content-Length") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 6\n\n") + "abc");
  CHECK(body_of(scene.receive()) == "abc");
  scene.answer("def");
  CHECK(scene.receive() == "def");
  scene.send(kGet);
  CHECK(scene.dialed() == 1);
}

TEST_CASE("RFC 9112 7.1: a chunked response keeps its trailers") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"));
  scene.answer(crlf("3;x\nabc\n0\nX-Sum: 1\n\n"));
  const string received = scene.receive();
  CHECK(has(received, "Transfer-Encoding: chunked\r\n"));
  CHECK(body_of(received) == crlf("3\nabc\n0\nX-Sum: 1\n\n"));
}

TEST_CASE("RFC 9112 6.3: a response that ends with its connection becomes chunked") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.0 200 OK\n\n") + "abc");
  scene.answer("def");
  scene.target().finish();
  const string received = scene.receive();
  CHECK(has(received, "Transfer-Encoding: chunked\r\n"));
  CHECK(body_of(received) == crlf("3\nabc\n3\ndef\n0\n\n"));
  CHECK_FALSE(scene.client().ended());
}

TEST_CASE("RFC 9112 7.1: an HTTP/1.0 client gets a chunked response without its chunks") {
  PlainScene scene;
  scene.send(kGet10);
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n0\nX-Sum: 1\n\n"));
  const string received = scene.receive();
  CHECK_FALSE(has(received, "chunked"));
  CHECK(body_of(received) == "abc");
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 6.3: between HTTP/1.0 peers the connection's end is the body's") {
  PlainScene scene;
  scene.send(kGet10);
  scene.answer(crlf("HTTP/1.0 200 OK\n\n") + "abc");
  scene.target().finish();
  CHECK(body_of(scene.receive()) == "abc");
  CHECK(scene.client().ended());
  CHECK_FALSE(scene.client().was_reset());
}

TEST_CASE("RFC 9112 6.3: HEAD, 204 and 304 have no body, whatever their fields") {
  const auto next_is_served = [](PlainScene& scene) {
    scene.send(kGet);
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
    return body_of(scene.receive()) == "ok";
  };
  SECTION("HEAD keeps Content-Length") {
    PlainScene scene;
    scene.send(kHead);
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 500\n\n"));
    const string received = scene.receive();
    CHECK(has(received, "Content-Length: 500\r\n"));
    CHECK(body_of(received).empty());
    CHECK(next_is_served(scene));
  }
  SECTION("204") {
    PlainScene scene;
    scene.send(kGet);
    scene.answer(crlf("HTTP/1.1 204 No\n\n"));
    CHECK(body_of(scene.receive()).empty());
    CHECK(next_is_served(scene));
  }
  SECTION("304 keeps Content-Length") {
    PlainScene scene;
    scene.send(kGet);
    scene.answer(crlf("HTTP/1.1 304 No\nContent-Length: 500\n\n"));
    const string received = scene.receive();
    CHECK(has(received, "Content-Length: 500\r\n"));
    CHECK(next_is_served(scene));
  }
}

TEST_CASE("RFC 9112 9.5: a response that comes before the request's end is delivered") {
  PlainScene scene;
  scene.send(post("Content-Length: 100000") + string(1000, 'x'));
  scene.answer(crlf("HTTP/1.1 413 Too Large\nContent-Length: 3\n\nbig"));
  const string received = scene.receive();
  CHECK(has(received, "HTTP/1.1 413 Too Large\r\n"));
  CHECK(has(received, "Connection: close\r\n"));
  CHECK(body_of(received) == "big");
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 9.6: an early answer is delivered though the server resets behind it") {
  PlainScene scene;
  scene.send(post("Content-Length: 100000") + string(1000, 'x'));
  scene.target().send(crlf("HTTP/1.1 413 Too Large\nContent-Length: 3\n\nbig"));
  scene.target().finish();
  scene.send(string(50'000, 'x'));
  CHECK(has(scene.receive(), "413 Too Large"));
}

TEST_CASE("a body in both directions at once") {
  PlainScene scene;
  scene.send(post("Transfer-Encoding: chunked") + "1\r\na\r\n");
  CHECK(has(scene.at_target(), "1\r\na\r\n"));
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n1\na\n"));
  CHECK(body_of(scene.receive()) == "1\r\na\r\n");
  scene.send("1\r\nb\r\n");
  CHECK(scene.at_target() == "1\r\nb\r\n");
  scene.answer("1\r\nb\r\n");
  CHECK(scene.receive() == "1\r\nb\r\n");
  scene.send("0\r\n\r\n");
  CHECK(scene.at_target() == "0\r\n\r\n");
  scene.answer("0\r\n\r\n");
  CHECK(scene.receive() == "0\r\n\r\n");
}

namespace {

/// Pours into `from` until nothing is taken any more; how much that was.
std::size_t pour(PlainScene& scene, SocketPeer& from, const string& piece) {
  std::size_t total = 0;
  for (int idle = 0; idle < 3;) {
    const std::size_t count = from.send(piece);
    total += count;
    idle = count == 0 ? idle + 1 : 0;
    scene.settle();
  }
  return total;
}

PlainScene::Options small_sockets() {
  PlainScene::Options options;
  options.socket_buffer = 16 * 1024;
  return options;
}

// A client that writes all before it reads must not lose its answer to a reset.
constexpr std::size_t kLargeBody = 8 << 20;

// Four socket buffers, doubled by the kernel, a pipe and what a flow may hold.
constexpr std::size_t kMostHeld = 3 << 20;

}  // namespace

TEST_CASE("RFC 9112 9.6: an early answer outlives a body of which nobody takes the rest") {
  PlainScene scene;
  scene.send(post("Content-Length: " + std::to_string(kLargeBody)));
  scene.target().send(crlf("HTTP/1.1 413 Too Large\nContent-Length: 3\n\nbig"));
  scene.target().finish();
  scene.settle();
  const string piece(64 * 1024, 'x');
  std::size_t sent = 0;
  while (sent < kLargeBody) {
    const std::size_t taken = scene.client().send(piece);
    REQUIRE(taken > 0);
    sent += taken;
    scene.settle();
  }
  CHECK(scene.receive().ends_with("big"));
  CHECK_FALSE(scene.client().was_reset());
}

TEST_CASE("back-pressure: a client that does not read stops the target") {
  const string piece(8192, 'x');
  for (const char* framing : {"Content-Length: 1000000000", "X: until close"}) {
    PlainScene scene(small_sockets());
    scene.send(kGet);
    scene.answer(crlf("HTTP/1.1 200 OK\n" + string(framing) + "\n\n"));
    const std::size_t taken = pour(scene, scene.target(), piece);
    CHECK(taken < kMostHeld);
    // And it goes on where it stopped.
    std::size_t received = 0;
    for (int i = 0; i < 2000 && received < taken; ++i) received += scene.receive().size();
    CHECK(received >= taken);
  }
}

TEST_CASE("back-pressure: chunks too") {
  PlainScene scene(small_sockets());
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n") + "40000000\r\n");
  CHECK(pour(scene, scene.target(), string(8192, 'x')) < kMostHeld);
}

TEST_CASE("a busy exchange leaves others their turn, whatever its framing") {
  constexpr std::size_t kSize = 4 << 20;
  const bool is_chunked = GENERATE(true, false);
  CAPTURE(is_chunked);
  Scene scene;
  scene.client.sends(kGet);
  scene.start();
  settle(scene.loop);
  const string body(kSize, 'x');
  scene.upstream.sends(crlf(is_chunked ? "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n400000\n"
                                       : "HTTP/1.1 200 OK\nContent-Length: 4194304\n\n") +
                       body + (is_chunked ? "\r\n0\r\n\r\n" : ""));
  std::size_t before = scene.upstream.unread();
  for (int turn = 0; turn < 3; ++turn) {
    scene.loop.turn(0);
    CHECK(before - scene.upstream.unread() > 0);
    // What comes with the head is not counted.
    CHECK(before - scene.upstream.unread() <= kTurnBudget + 64 * 1024);
    before = scene.upstream.unread();
  }
  // ... and goes on by itself.
  CHECK(turn_until(scene.loop, [&] { return scene.client.received().size() > kSize; }));
}

TEST_CASE("back-pressure: a target that does not read stops the client") {
  for (const char* framing : {"Content-Length: 1000000000", "Transfer-Encoding: chunked"}) {
    PlainScene scene(small_sockets());
    scene.send(post(framing));
    if (framing[0] == 'T') scene.send("40000000\r\n");
    CHECK(pour(scene, scene.client(), string(8192, 'x')) < kMostHeld);
  }
}
