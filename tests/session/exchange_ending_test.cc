// What ends too early or too late, at each stage: the other side must be able to tell.

#include "support/catch.h"
#include "support/plain_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

namespace culvert::test {
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
    scene.say(kGet);
    reset ? scene.target().reset() : scene.target().finish();
    CHECK(has(scene.hear(),
              "HTTP/1.1 502 culvert: target a.example:80 closed the connection "
              "without an answer"));
    CHECK(scene.client().ended());
  }
}

TEST_CASE("RFC 9110 15.6.3: a target that closes within its head is a 502") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer("HTTP/1.1 200 OK\r\nX: ");
  scene.target().finish();
  CHECK(has(scene.hear(), "HTTP/1.1 502 culvert: target a.example:80 closed within the head"));
}

TEST_CASE("RFC 9112 8: a body with Content-Length that is cut short ends the connection") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\n") + "abc");
  scene.target().finish();
  CHECK(scene.hear().ends_with("\r\n\r\nabc"));
  CHECK(scene.client().ended());
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "http_response_incomplete"));
}

TEST_CASE("RFC 9112 8: chunks that are cut short get no last chunk") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n") + "5\r\nabc");
  scene.target().finish();
  CHECK(scene.hear().ends_with("3\r\nabc\r\n"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 8: a body that ends with its connection and is reset gets no last chunk") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\n\n") + "abc");
  scene.target().reset();
  CHECK(scene.hear().ends_with("3\r\nabc\r\n"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9112 8: an HTTP/1.0 client is told by a reset that its answer is cut short") {
  for (const char* answer :
       {"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nabc", "HTTP/1.1 200 OK\n\nabc"}) {
    PlainScene scene;
    scene.say(kGet10);
    scene.answer(crlf(answer));
    scene.client().hear();
    scene.target().reset();
    scene.hear();
    CHECK(scene.client().was_reset());
  }
}

TEST_CASE("RFC 9110 15.6.4: whoever has heard nothing when we are aborted gets a 503") {
  PlainScene scene;
  bool head = false;
  SECTION("GET") { scene.say(kGet); }
  SECTION("HEAD") {
    head = true;
    scene.say(crlf("HEAD http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  }
  SECTION("a second one, that is still coming") {
    scene.say(kGet);
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.hear();
    scene.say("GET http://a.exam");
  }
  scene.abort();
  const string heard = scene.hear();
  CHECK(has(heard, "HTTP/1.1 503 culvert: shutting down, and there was no answer yet"));
  CHECK(heard.ends_with("\r\n\r\n") == head);
  CHECK(scene.client().ended());
}

TEST_CASE("but not behind an answer, begun or complete") {
  PlainScene scene;
  scene.say(kGet);
  SECTION("nothing more is asked") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
    scene.hear();
    scene.abort();
    CHECK(scene.hear().empty());
  }
  SECTION("the answer has begun") {
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\nabc"));
    scene.hear();
    scene.abort();
    CHECK(scene.hear().empty());
  }
}

TEST_CASE("RFC 9110 15.6.4: a second request that waits for its connection gets a 503 too") {
  Scene scene;
  scene.transport->connects(scene.upstream).hangs();
  scene.client.says(kGet);
  scene.upstream.says(crlf("HTTP/1.1 200 OK\nContent-Length: 0\nConnection: close\n\n"));
  scene.start();
  settle(scene.loop);
  scene.client.says(kGet);
  settle(scene.loop);
  REQUIRE(scene.dials() == 2);
  scene.session->abort("told to");
  CHECK(has(scene.client.heard(), "HTTP/1.1 503 culvert: shutting down, and there was no answer"));
}

TEST_CASE("RFC 9112 8: and when we are aborted within it") {
  PlainScene scene;
  scene.say(kGet10);
  scene.answer(crlf("HTTP/1.1 200 OK\n\nabc"));
  scene.client().hear();
  scene.abort();
  scene.hear();
  CHECK(scene.client().was_reset());
}

TEST_CASE("RFC 9112 8: a client that leaves within its body takes the target's connection along") {
  for (const char* framing : {"Content-Length: 10", "Transfer-Encoding: chunked"}) {
    PlainScene scene;
    scene.say(post(framing));
    scene.asked();
    scene.client().finish();
    CHECK_FALSE(has(scene.asked(), "0\r\n\r\n"));
    CHECK((scene.target().ended() || scene.target().was_reset()));
    CHECK(scene.over());
  }
}

TEST_CASE("a client that leaves while it waits takes the target's connection along") {
  PlainScene scene;
  scene.say(kGet);
  scene.asked();
  scene.client().reset();
  scene.asked();
  CHECK((scene.target().ended() || scene.target().was_reset()));
  CHECK(scene.over());
}

TEST_CASE("a client that leaves as it asks is not dialed for") {
  for (const bool again : {false, true}) {
    PlainScene scene;
    if (again) {
      scene.say(kGet);
      scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
    }
    scene.asked();
    scene.client().say(kGet);
    scene.client().reset();
    CHECK(scene.asked().empty());
    CHECK(scene.dialed() == (again ? 1 : 0));
    CHECK(scene.over());
    CHECK(has(scene.access_lines().back(), " outcome=canceled "));
  }
}

TEST_CASE("a client that leaves within the answer takes the target's connection along") {
  PlainScene scene;
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\n") + "abc");
  scene.client().reset();
  scene.asked();
  CHECK((scene.target().ended() || scene.target().was_reset()));
  const auto lines = scene.access_lines();
  REQUIRE(lines.size() == 1);
  CHECK(has(lines[0], "canceled"));
}

TEST_CASE("RFC 9112 9.6: a client that half-closes gets its answer") {
  PlainScene scene;
  scene.say(kGet);
  scene.client().finish();
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
  CHECK(scene.hear().ends_with("\r\n\r\nok"));
  CHECK(scene.client().ended());
}

TEST_CASE("RFC 9110 15.6.5: a target that does not answer in time is a 504") {
  PlainScene scene(quick());
  scene.say(kGet);
  scene.pass(milliseconds(299));
  CHECK(scene.hear().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.hear(), "HTTP/1.1 504 culvert: target a.example:80 did not answer within 0.3 s"));
}

TEST_CASE("RFC 9110 15.5.9: a body that does not come in time is a 408") {
  PlainScene scene(quick());
  scene.say(post("Content-Length: 10") + "abc");
  scene.pass(milliseconds(299));
  CHECK(scene.hear().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.hear(), "HTTP/1.1 408 culvert: the request's body stalled"));
}

TEST_CASE("RFC 9110 15.6.5: a target that never says 100 is a 504") {
  PlainScene scene(quick());
  scene.say(post("Content-Length: 10\nExpect: 100-continue"));
  scene.pass(milliseconds(299));
  CHECK(scene.hear().empty());
  scene.pass(milliseconds(1));
  CHECK(has(scene.hear(), "HTTP/1.1 504 "));
}

TEST_CASE("a body on its way is progress") {
  PlainScene scene(quick(600));
  scene.say(post("Content-Length: 10"));
  for (int i = 0; i < 10; ++i) {
    scene.pass(milliseconds(70));
    scene.say("x");
  }
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  CHECK(has(scene.hear(), "200 OK"));
}

TEST_CASE("RFC 9110 15.2: an interim response is progress") {
  PlainScene scene(quick(600));
  scene.say(kGet);
  for (int i = 0; i < 10; ++i) {
    scene.pass(milliseconds(70));
    scene.answer(crlf("HTTP/1.1 102 Processing\n\n"));
  }
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 0\n\n"));
  CHECK(has(scene.hear(), "200 OK"));
}

TEST_CASE("an answer that stalls is broken off by --idle-timeout, if there is one") {
  PlainScene::Options options = quick(300);
  SECTION("there is") { options.config.idle_timeout = milliseconds(30); }
  SECTION("there is none") { options.config.idle_timeout = milliseconds(0); }
  const bool limited = options.config.idle_timeout.count() > 0;
  PlainScene scene(std::move(options));
  scene.say(kGet);
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 10\n\nabc"));
  scene.pass(milliseconds(400));
  scene.hear();
  CHECK(scene.client().ended() == limited);
}

namespace {

/// A POST of 100 bytes that is answered after five of them.
void answer_early(PlainScene& scene, std::string_view fields = "") {
  scene.say(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 200 OK\n" + string(fields) + "Content-Length: 2\n\nok"));
  CHECK(scene.asked().ends_with("begin"));
  const string heard = scene.hear();
  CHECK(has(heard, "Connection: close\r\n"));
  CHECK(heard.ends_with("\r\n\r\nok"));
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
  scene.say(kGet);  // within the body, and never a request
  CHECK(scene.asked() == kGet);
  scene.say(string(95 - kGet.size(), 'x') + kGet);
  CHECK(scene.asked() == string(95 - kGet.size(), 'x'));
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
  scene.say(string(50, 'x'));
  CHECK(scene.hear().empty());
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
    scene.asked();
    CHECK_FALSE(scene.target().ended());
    scene.pass(milliseconds(1));
  }
  scene.asked();
  CHECK(scene.target().ended());
  if (!scene.over()) scene.client().finish();
  scene.settle();
  check_line(scene, "5", false);
}

TEST_CASE("RFC 9112 9.6: bad chunks behind an answer do not cost the client that answer") {
  PlainScene scene;
  scene.say(post("Transfer-Encoding: chunked") + "5\r\nbegin\r\n");
  scene.asked();
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"));
  CHECK(scene.hear().ends_with("ok"));
  scene.say("nonsense\r\n and more of it");
  CHECK(scene.hear().empty());
  CHECK_FALSE(scene.client().was_reset());
  scene.client().finish();
  scene.settle();
  CHECK(scene.over());
  scene.asked();
  CHECK((scene.target().ended() || scene.target().was_reset()));
}

TEST_CASE("RFC 9112 9.5: a client that ceases to send within the answer gets the rest of it") {
  PlainScene scene;
  scene.say(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 413 Too Large\nContent-Length: 6\n\nabc"));
  CHECK(scene.hear().ends_with("abc"));
  scene.client().finish();
  CHECK(scene.asked().ends_with("begin"));
  CHECK(scene.target().ended());
  CHECK_FALSE(scene.over());
  scene.answer("def");
  CHECK(scene.hear() == "def");
  CHECK(scene.client().ended());
  CHECK_FALSE(scene.client().was_reset());
  check_line(scene, "5", false);
}

TEST_CASE("a client that ceased to send is not waited for without end") {
  PlainScene::Options options;
  options.config.half_open_timeout = milliseconds(30);
  PlainScene scene(std::move(options));
  scene.say(post("Content-Length: 100") + "begin");
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
  scene.say(post("Content-Length: 100") + "begin");
  scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 6\n\nabc"));
  scene.pass(milliseconds(400));
  scene.client().finish();
  scene.pass(milliseconds(20));
  REQUIRE_FALSE(scene.over());
  scene.answer("def");
  CHECK(scene.hear().ends_with("def"));
}

}  // namespace culvert::test
