// Ends that are too early or too late, at each stage: the other side must be able to notice.

#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;

namespace {

using std::string;
using std::chrono::milliseconds;

bool has(const string& text, std::string_view part) { return text.find(part) != string::npos; }

const string kGet = crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n");
const string kGet10 = crlf("GET http://a.example/ HTTP/1.0\n\n");

string post(std::string_view framing) {
  return crlf("POST http://a.example/ HTTP/1.1\nHost: a.example\n" + string(framing) + "\n\n");
}

PlainScene::Options quick(int limit = 300) {
  PlainScene::Options options;
  options.config.response_timeout = milliseconds(limit);
  return options;
}

}  // namespace

TEST_CASE("RFC 9110 15.6.3: a target that closes before its answer is a 502") {
  for (const bool reset : {false, true}) {
    PlainScene scene;
    scene.send(kGet);
    reset ? scene.target().reset() : scene.target().finish();
    CHECK(has(scene.receive(),
              "HTTP/1.1 502 culvert: target a.example:80 closed the connection "
              "without an answer"));
    CHECK(scene.client().ended());
  }
}

TEST_CASE("RFC 9110 15.6.3: a target that closes within its head is a 502") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer("HTTP/1.1 200 OK\r\nX: ");
  scene.target().finish();
  CHECK(has(scene.receive(), "HTTP/1.1 502 culvert: target a.example:80 closed within the head"));
}

TEST_CASE("RFC 9112 8: a body with Content-Length that is cut short ends the connection") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\n") + "abc");
  scene.target().finish();
  CHECK(scene.receive().ends_with("\r\n\r\nabc"));
  CHECK(scene.client().ended());
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "http_response_incomplete"));
}

TEST_CASE("RFC 9112 8: chunks that are cut short get no last chunk") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n") + "5\r\nabc");
  scene.target().finish();
  CHECK(scene.receive().ends_with("3\r\nabc\r\n"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 8: a body that ends with its connection and is reset gets no last chunk") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\n\n") + "abc");
  scene.target().reset();
  CHECK(scene.receive().ends_with("3\r\nabc\r\n"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 8: for an HTTP/1.0 client a truncated response ends in a reset") {
  for (const char* answer :
       {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nabc", "HTTP/1.1 200 OK\n\nabc"}) {
    PlainScene scene;
    scene.send(kGet10);
    scene.answer(crlf(answer));
    scene.client().receive();
    scene.target().reset();
    scene.receive();
    CHECK(scene.client().was_reset());
  }
}

TEST_CASE("RFC 9110 15.6.4: a client without a response gets a 503 when we are aborted") {
  PlainScene scene;
  bool head = false;
  SECTION("GET") { scene.send(kGet); }
  SECTION("HEAD") {
    head = true;
    scene.send(crlf("HEAD http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  }
  SECTION("a second one, that is still coming") {
    scene.send(kGet);
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.receive();
    scene.send("GET http://a.exam");
  }
  scene.abort();
  const string received = scene.receive();
  CHECK(has(received, "HTTP/1.1 503 culvert: shutting down, and there was no answer yet"));
  CHECK(received.ends_with("\r\n\r\n") == head);
  CHECK(scene.client().ended());
}

TEST_CASE("but not behind an answer, begun or complete") {
  PlainScene scene;
  scene.send(kGet);
  SECTION("nothing more is asked") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.receive();
    scene.abort();
    CHECK(scene.receive().empty());
  }
  SECTION("the answer has begun") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\nabc"));
    scene.receive();
    scene.abort();
    CHECK(scene.receive().empty());
  }
}

TEST_CASE("RFC 9110 15.6.4: a second request that waits for its connection gets a 503 too") {
  Scene scene;
  scene.transport->connects(scene.upstream).hangs();
  scene.client.sends(kGet);
  scene.upstream.sends(crlf("HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close\n\n"));
  scene.start();
  settle(scene.loop);
  scene.client.sends(kGet);
  settle(scene.loop);
  REQUIRE(scene.dials() == 2);
  scene.session->abort("told to");
  CHECK(
      has(scene.client.received(), "HTTP/1.1 503 culvert: shutting down, and there was no answer"));
}

TEST_CASE("RFC 9112 8: and when we are aborted within it") {
  PlainScene scene;
  scene.send(kGet10);
  scene.answer(crlf("HTTP/1.1 200 OK\n\nabc"));
  scene.client().receive();
  scene.abort();
  scene.receive();
  CHECK(scene.client().was_reset());
}

TEST_CASE("RFC 9112 8: a client that leaves within its body takes the target's connection along") {
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
    PlainScene scene;
    scene.send(post(framing));
    scene.at_target();
    scene.client().finish();
    CHECK_FALSE(has(scene.at_target(), "0\r\n\r\n"));
    CHECK((scene.target().ended() || scene.target().was_reset()));
    CHECK(scene.over());
  }
}

TEST_CASE("a client that leaves while it waits takes the target's connection along") {
  PlainScene scene;
  scene.send(kGet);
  scene.at_target();
  scene.client().reset();
  scene.at_target();
  CHECK((scene.target().ended() || scene.target().was_reset()));
  CHECK(scene.over());
}

TEST_CASE("a client that leaves with its request is not dialed for") {
  for (const bool again : {false, true}) {
    PlainScene scene;
    if (again) {
      scene.send(kGet);
      scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
    }
    scene.at_target();
    scene.client().send(kGet);
    scene.client().reset();
    CHECK(scene.at_target().empty());
    CHECK(scene.dialed() == (again ? 1 : 0));
    CHECK(scene.over());
    CHECK(has(scene.access_lines().back(), " outcome=canceled "));
  }
}

TEST_CASE("a client that leaves within the answer takes the target's connection along") {
  PlainScene scene;
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\n") + "abc");
  scene.client().reset();
  scene.at_target();
  CHECK((scene.target().ended() || scene.target().was_reset()));
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "canceled"));
}

TEST_CASE("RFC 9112 9.6: a client that half-closes gets its answer") {
  PlainScene scene;
  scene.send(kGet);
  scene.client().finish();
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
  CHECK(scene.receive().ends_with("\r\n\r\nok"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9110 15.6.5: a target that does not answer in time is a 504") {
  PlainScene scene(quick());
  scene.send(kGet);
  scene.pass(milliseconds(299));
  CHECK(scene.receive().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.receive(),
            "HTTP/1.1 504 culvert: target a.example:80 did not answer within 0.3 s"));
}

TEST_CASE("RFC 9110 15.5.9: a body that does not come in time is a 408") {
  PlainScene scene(quick());
  scene.send(post("Content-Length: 10") + "abc");
  scene.pass(milliseconds(299));
  CHECK(scene.receive().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.receive(), "HTTP/1.1 408 culvert: the request's body stalled"));
}

TEST_CASE("RFC 9110 15.6.5: a target that never sends 100 is a 504") {
  PlainScene scene(quick());
  scene.send(post("Content-Length: 10\nExpect: 100-continue"));
  scene.pass(milliseconds(299));
  CHECK(scene.receive().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.receive(), "HTTP/1.1 504 "));
}

TEST_CASE("a moving body is progress") {
  PlainScene scene(quick(600));
  scene.send(post("Content-Length: 2"));
  for (int i = 0; i < 2; ++i) {
    scene.pass(milliseconds(599));
    scene.send("x");
  }
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  CHECK(has(scene.receive(), "200 OK"));
}

TEST_CASE("RFC 9110 15.2: an interim response is progress") {
  PlainScene scene(quick(600));
  scene.send(kGet);
  for (int i = 0; i < 2; ++i) {
    scene.pass(milliseconds(599));
    scene.answer(crlf("HTTP/1.1 102 Processing\n\n"));
  }
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  CHECK(has(scene.receive(), "200 OK"));
}

TEST_CASE("an answer that stalls is broken off by --idle-timeout, if there is one") {
  PlainScene::Options options = quick(300);
  SECTION("there is") { options.config.idle_timeout = milliseconds(30); }
  SECTION("there is none") { options.config.idle_timeout = milliseconds(0); }
  const bool limited = options.config.idle_timeout.count() > 0;
  PlainScene scene(std::move(options));
  scene.send(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\nabc"));
  scene.pass(milliseconds(400));
  scene.receive();
  CHECK(scene.client().ended() == limited);
}

namespace {

/// A POST of 100 bytes that is answered after five of them.
void answer_early(PlainScene& scene, std::string_view fields = "") {
  scene.send(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 200 OK\n" + string(fields) + "Content-Length: 2\n\nok"));
  CHECK(scene.at_target().ends_with("begin"));
  const string received = scene.receive();
  CHECK(has(received, "Connection: close\r\n"));
  CHECK(received.ends_with("\r\n\r\nok"));
  CHECK(scene.client().ended());
}

void check_line(PlainScene& scene, std::string_view bytes_up, bool complete) {
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], " outcome=ok "));
  CHECK(has(lines[0], string(" bytes_up=") + string(bytes_up) + " "));
  CHECK(has(lines[0], "answered before the request's end") != complete);
}

}  // namespace

TEST_CASE("RFC 9112 9.5: a target that answers early and reads on gets the rest of the request") {
  PlainScene scene;
  answer_early(scene);
  CHECK_FALSE(scene.target().ended());
  scene.send(kGet);  // within the body, and never a request
  CHECK(scene.at_target() == kGet);
  scene.send(string(95 - kGet.size(), 'x') + kGet);
  CHECK(scene.at_target() == string(95 - kGet.size(), 'x'));
  CHECK(scene.target().ended());
  CHECK(scene.dialed() == 1);
  scene.client().finish();
  scene.settle();
  CHECK(scene.over());
  check_line(scene, "100", true);
}

TEST_CASE("RFC 9112 9.5: and no more than it takes") {
  PlainScene scene;
  answer_early(scene);
  SECTION("it ends") { scene.target().finish(); }
  SECTION("it resets") { scene.target().reset(); }
  SECTION("it says something else") { scene.answer("HTTP/1.1 400 What?\r\n\r\n"); }
  scene.send(string(50, 'x'));
  CHECK(scene.receive().empty());
  CHECK_FALSE(scene.client().was_reset());
  scene.client().finish();
  scene.settle();
  CHECK(scene.over());
  check_line(scene, "5", false);
}

TEST_CASE("RFC 9112 9.6: a target that closes behind its early answer gets no more") {
  PlainScene scene;
  answer_early(scene, "Connection: close\n");
  CHECK(scene.target().ended());
}

TEST_CASE("RFC 9112 9.5: a client that has its answer need not end its request") {
  PlainScene::Options options;
  options.config.header_timeout = milliseconds(500);
  PlainScene scene(std::move(options));
  answer_early(scene);
  SECTION("it leaves") { scene.client().finish(); }
  SECTION("it breaks off") { scene.client().reset(); }
  SECTION("it falls silent, and we are to leave") {
    scene.abort();
    scene.settle();
    const auto lines = scene.access_lines();
    REQUIRE(lines.size() == 1);
    CHECK(has(lines[0], " outcome=aborted stage=exchange status=200 "));
    return;
  }
  SECTION("it falls silent") {
    scene.pass(milliseconds(499));
    scene.at_target();
    CHECK_FALSE(scene.target().ended());
    scene.pass(milliseconds(1));
  }
  scene.at_target();
  CHECK(scene.target().ended());
  if (!scene.over()) scene.client().finish();
  scene.settle();
  check_line(scene, "5", false);
}

TEST_CASE("RFC 9112 9.6: bad chunks behind an answer do not cost the client that answer") {
  PlainScene scene;
  scene.send(post("Transfer-Encoding: chunked") + "5\r\nbegin\r\n");
  scene.at_target();
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
  CHECK(scene.receive().ends_with("ok"));
  scene.send("nonsense\r\n and more of it");
  CHECK(scene.receive().empty());
  CHECK_FALSE(scene.client().was_reset());
  scene.client().finish();
  scene.settle();
  CHECK(scene.over());
  scene.at_target();
  CHECK((scene.target().ended() || scene.target().was_reset()));
}

TEST_CASE("RFC 9112 9.5: a client that ceases to send within the answer gets the rest of it") {
  PlainScene scene;
  scene.send(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 413 Too Large\nContent-Length: 6\n\nabc"));
  CHECK(scene.receive().ends_with("abc"));
  scene.client().finish();
  CHECK(scene.at_target().ends_with("begin"));
  CHECK(scene.target().ended());
  CHECK_FALSE(scene.over());
  scene.answer("def");
  CHECK(scene.receive() == "def");
  CHECK(scene.client().ended());
  CHECK_FALSE(scene.client().was_reset());
  check_line(scene, "5", false);
}

TEST_CASE("a client that ceased to send is not waited for without end") {
  PlainScene::Options options;
  options.config.half_open_timeout = milliseconds(30);
  PlainScene scene(std::move(options));
  scene.send(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 6\n\nabc"));
  scene.client().finish();
  scene.pass(milliseconds(29));
  CHECK_FALSE(scene.over());
  scene.pass(milliseconds(1));
  CHECK(scene.over());
}

TEST_CASE("the time of a client that ceases to send begins then, however long all was quiet") {
  PlainScene::Options options;
  options.config.half_open_timeout = milliseconds(300);
  PlainScene scene(std::move(options));
  scene.send(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 6\n\nabc"));
  scene.pass(milliseconds(400));
  scene.client().finish();
  scene.pass(milliseconds(20));
  REQUIRE_FALSE(scene.over());
  scene.answer("def");
  CHECK(scene.receive().ends_with("def"));
}
