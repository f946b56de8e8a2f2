// Clients that have to sign in: --auth-file.
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/text.h"
#include "support/catch.h"
#include "support/held_passwords.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

std::string authorization(const std::string& pair) {
  return "Proxy-Authorization: Basic " + base64_encode(pair) + "\r\n";
}
const std::string kRight = authorization("alice:s3cret");
const std::string kWrong = authorization("alice:hush");

std::string connect(const std::string& fields) {
  return "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n" + fields + "\r\n";
}
std::string get(const std::string& fields, const std::string& line = "GET http://a.example/") {
  return line + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n";
}

struct SignInScene : Scene {
  explicit SignInScene(Pace pace = {}) : Scene(pace) {
    std::vector<std::string> problems;
    config.users = std::make_shared<const PasswordFile>(PasswordFile::parse(
        "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", problems));
    matches = matches_when_let;
    held = false;
    while (checking > 0) std::this_thread::sleep_for(1ms);  // of the scene before
  }
  ~SignInScene() {
    held = false;
    CHECK_THAT(client.received() + access_text() + log_text(),
               !Contains("s3cret") && !Contains("hush") && !Contains("czNjcmV0"));
  }
  /// The client gets so much.
  void await(const std::string& part) {
    REQUIRE(turn_until(loop, [&] { return client.received().find(part) != std::string::npos; }));
  }
  void await_check() {
    REQUIRE(turn_until(loop, [] { return checking == 1; }));
  }
  std::size_t count(const std::string& part) const {
    std::size_t found = 0;
    const std::string& all = client.received();
    for (auto at = all.find(part); at != std::string::npos; at = all.find(part, at + 1)) ++found;
    return found;
  }
};

/// The end of the head of a 407 that keeps the connection.
const std::string kChallenged =
    "\r\nProxy-Authenticate: Basic realm=\"culvert\", charset=\"UTF-8\"\r\n\r\n";

}  // namespace

TEST_CASE("a CONNECT with the right password is served, and its user stands in the log") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  SignInScene scene(pace);
  scene.client.sends(connect(kRight) + "hello").ends();
  scene.upstream.expects("hello").expects_end().sends("world").ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == std::string(kEstablished) + "world");
  CHECK(scene.upstream.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" user=alice ") && Contains(" outcome=ok "));
}

TEST_CASE("who does not sign in is challenged, and may sign in on the same connection") {
  const Pace pace = GENERATE(from_range(kPaces));
  CAPTURE(to_string(pace));
  SignInScene scene(pace);
  scene.client.sends(connect(""));
  scene.start();
  scene.await("http://user:password@host:port.\n");
  CHECK_THAT(scene.client.received(),
             StartsWith("HTTP/1.1 407 culvert: this proxy wants a user and a password - write them "
                        "into the proxy URL, http://USER:PASSWORD@HOST:PORT\r\n") &&
                 Contains("\r\nProxy-Status: culvert; error=http_request_denied") &&
                 Contains(kChallenged) && !Contains("Connection:"));
  CHECK(scene.dials() == 0);
  scene.client.sends(connect(kWrong));
  scene.await("no such user: 'alice'");
  scene.client.sends(connect(kRight));
  scene.await("200 Connection established");
  CHECK(scene.count("HTTP/1.1 407 ") == 2);
  scene.client.ends();
  scene.upstream.ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=proxy_auth_required stage=route status=407 ") &&
                 Contains(" user=alice ") && Contains(" status=200 "));
}

TEST_CASE("a plain request is challenged, its body is passed over, and the next one is served") {
  struct Case {
    std::string head;
    std::string body;
  };
  const auto test = GENERATE(
      Case{get(""), ""}, Case{get("", "HEAD http://a.example/"), ""},
      Case{get("Content-Length: 5\r\n", "POST http://a.example/"), "hello"},
      Case{get("Transfer-Encoding: chunked\r\n", "PUT http://a.example/"),
           "5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n"},
      Case{get("Upgrade: websocket\r\nConnection: Upgrade\r\n"), ""},
      Case{get("Expect: 100-continue\r\n"), ""},
      Case{get("Content-Length: 100000\r\n", "POST http://a.example/"), std::string(100'000, 'x')});
  const Pace pace = test.body.size() > 1'000 ? Pace{true, 16'384} : GENERATE(from_range(kPaces));
  const bool pipelined = GENERATE(true, false);
  CAPTURE(test.head, to_string(pace), pipelined);
  SignInScene scene(pace);
  scene.upstream.expects("GET / HTTP/1.1\r\nHost: a.example\r\nVia: 1.1 culvert-test\r\n\r\n")
      .sends("HTTP/1.1 204 No\r\n\r\n");
  scene.client.sends(test.head + test.body);
  if (pipelined) scene.client.sends(get(kRight));
  scene.start();
  if (!pipelined) {
    scene.await(kChallenged);
    scene.client.sends(get(kRight));
  }
  scene.await("HTTP/1.1 204 ");
  CHECK(scene.count("HTTP/1.1 407 ") == 1);
  CHECK(scene.count("\nPut user and password into") == (test.head.starts_with("HEAD") ? 0 : 1));
  CHECK(scene.upstream.verdict() == "");
  scene.client.ends();
  REQUIRE(scene.run());
}

TEST_CASE("the connection ends after a 407 where the next request could not be found") {
  const auto request = GENERATE(
      connect("") + "\x16\x03\x01 a TLS hello", connect("Connection: close\r\n"),
      "CONNECT gcr.io:443 HTTP/1.0\r\n\r\n"s,
      get("Expect: 100-continue\r\nContent-Length: 5\r\n", "POST http://a.example/"),
      get("Content-Length: 2000000\r\n", "POST http://a.example/"), get("Connection: close\r\n"));
  CAPTURE(request);
  SignInScene scene;
  scene.client.sends(request).sends(get(kRight)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 407);
  CHECK_THAT(answer.head, Contains("\r\nProxy-Authenticate: Basic "));
  CHECK(scene.count("HTTP/1.1 ") == 1);
  CHECK(scene.dials() == 0);
}

TEST_CASE("a body that does not end, or is malformed, costs the connection") {
  SignInScene scene;
  scene.client.sends(get("Transfer-Encoding: chunked\r\n", "POST http://a.example/"));
  const std::string body =
      GENERATE("5\r\nhelloXX0\r\n\r\n"s, "400000\r\n" + std::string(1'200'000, 'x'), "5\r\nhel"s);
  scene.client.sends(body);
  scene.start();
  REQUIRE(turn_until(
      scene.loop, [&] { return scene.finished > 0; }, 60s));
  CHECK(scene.count("HTTP/1.1 ") == 1);
  CHECK_THAT(scene.client.received(), StartsWith("HTTP/1.1 407 "));
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=proxy_auth_required ") && Contains(" status=407 "));
}

TEST_CASE("a client that takes no 407, or is gone with it") {
  SignInScene scene;
  scene.client.takes(10);
  scene.client.sends(get(""));
  const bool resets = GENERATE(true, false);
  if (resets) scene.client.resets();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains(" outcome=canceled ") && Contains(" closed_by=client"));
}

TEST_CASE("of many requests without a sign-in few are answered, one in a turn") {
  SignInScene scene;
  scene.config.log_level = Log::Level::error;
  const std::string request = get("", GENERATE("GET http://a.example/", "CONNECT a.example:443"));
  std::string all;
  for (int i = 0; i < 100'000; ++i) all += request;
  scene.client.sends(all).ends();
  scene.start();
  REQUIRE(scene.run());
  const bool is_connect = request.starts_with("CONNECT");
  CHECK(scene.count("HTTP/1.1 407 ") == (is_connect ? 1 : 9));
  CHECK(scene.count("\r\nConnection: close\r\n") == 1);
}

TEST_CASE("malformed credentials are a bad request") {
  for (const std::string& field : {"Proxy-Authorization: Basic !!!\r\n"s, authorization("no colon"),
                                   authorization("u:\0hush"s), kRight + kWrong}) {
    SignInScene scene;
    scene.client.sends(connect(field)).ends();
    scene.start();
    const Answer answer = scene.answer();
    CHECK(answer.status == 400);
    CHECK_THAT(answer.reason, Contains("Proxy-Authorization"));
  }
}

TEST_CASE("another scheme is challenged") {
  SignInScene scene;
  scene.client.sends(connect("Proxy-Authorization: Bearer hush\r\n"));
  scene.start();
  scene.await(kChallenged);
  CHECK_THAT(scene.client.received(), Contains("signs in with Bearer, and this proxy takes Basic"));
  scene.client.ends();
  REQUIRE(scene.run());
}

TEST_CASE("what is forwarded has no Proxy-Authorization") {
  SignInScene scene;
  const bool upgrade = GENERATE(true, false);
  scene.upstream.sends("HTTP/1.1 204 No\r\n\r\n");
  scene.client.sends(
      get(kRight + (upgrade ? "Upgrade: websocket\r\nConnection: Upgrade\r\n" : "")));
  scene.start();
  scene.await("HTTP/1.1 204 ");
  CHECK_THAT(scene.upstream.received(),
             StartsWith("GET / HTTP/1.1\r\n") && !Contains("uthorization") && !Contains("Basic"));
  scene.client.ends();
  REQUIRE(scene.run());
}

TEST_CASE("an OPTIONS or TRACE for the proxy itself wants a sign-in, and repeats no password") {
  SignInScene scene;
  const bool right = GENERATE(true, false);
  scene.client.sends("TRACE http://a.example/ HTTP/1.1\r\nHost: a.example\r\nMax-Forwards: 0\r\n" +
                     (right ? kRight : kWrong) + "\r\n");
  scene.client.ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(), StartsWith(right ? "HTTP/1.1 200 " : "HTTP/1.1 407 "));
}

TEST_CASE("who may not come in by address is not asked for a password") {
  SignInScene scene;
  scene.peer = HostPort::parse("192.0.2.1:5").value();
  scene.config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
  held = true;
  scene.client.sends(connect(kRight)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 403);
  CHECK(checking == 0);
}

TEST_CASE("whether a target is denied is told only to who has signed in") {
  SignInScene scene;
  RoutingTable table;
  table.otherwise = {{}, "default"};
  scene.router.emplace(std::move(table));
  scene.client.sends(connect(""));
  scene.start();
  scene.await("HTTP/1.1 407 ");
  scene.client.sends(connect(kRight)).ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(), Contains("HTTP/1.1 403 "));
}

TEST_CASE("the user of one request is not that of the next") {
  SignInScene scene;
  scene.upstream.sends("HTTP/1.1 204 No\r\n\r\n");
  scene.client.sends(get(kRight)).sends(get(""));
  scene.start();
  scene.await(kChallenged);
  scene.client.ends();
  REQUIRE(scene.run());
  const std::string lines = scene.access_text();
  CHECK_THAT(lines.substr(0, lines.find('\n')),
             Contains(" user=alice ") && Contains(" status=204 "));
  CHECK_THAT(lines.substr(lines.find('\n')), !Contains("user=") && Contains(" status=407 "));
}

TEST_CASE("where too many passwords wait to be checked, no further one does") {
  SignInScene scene;
  held = true;
  scene.start();
  std::vector<std::unique_ptr<PasswordCheck>> others;
  for (std::size_t i = 0; i <= SignInPace::kMostWaiting; ++i) {
    others.push_back(std::make_unique<PasswordCheck>(scene.password_checks(), scene.loop,
                                                     Callback<void(PasswordVerdict)>()));
    others.back()->ask(*scene.config.users, {scene.peer->ip},
                       {"alice", Secret("guess " + std::to_string(i))});
    if (i == 0) scene.await_check();
  }
  scene.client.sends(connect(kRight)).ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(), Contains("HTTP/1.1 429 culvert: too many sign-ins"));
}

TEST_CASE("wrong passwords are checked more and more slowly, and each is answered") {
  SignInScene scene;
  scene.start();
  for (unsigned i = 0; i < 5; ++i) {
    scene.client.sends(connect(authorization("alice:" + std::to_string(i))));
    REQUIRE(turn_until(
        scene.loop, [&] { return scene.count("HTTP/1.1 407 ") == i + 1; }, 60s));
  }
  scene.client.ends();
  REQUIRE(scene.run());
}

// ---- a session that ends while a check runs

TEST_CASE("a client that resets while its password is checked") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kRight));
  scene.start();
  scene.await_check();
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == "");
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=canceled stage=route status=0 ") && Contains(" closed_by=client"));
}

TEST_CASE("a client that has finished sending still gets its tunnel") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kRight)).ends();
  scene.upstream.expects_end().sends("world").ends();
  scene.start();
  scene.await_check();
  settle(scene.loop);
  CHECK(scene.finished == 0);
  held = false;
  REQUIRE(scene.run());
  CHECK(scene.client.received() == std::string(kEstablished) + "world");
}

TEST_CASE("a session that is ended while its password is checked says so") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kRight));
  scene.start();
  scene.await_check();
  const bool by_drain = GENERATE(true, false);
  if (by_drain) {
    scene.session->begin_drain();
    settle(scene.loop);
    CHECK(scene.finished == 0);
    held = false;
    scene.await("200 Connection established");
    scene.client.ends();
    scene.upstream.ends();
    REQUIRE(scene.run());
  } else {
    scene.session->abort("a second signal came");
    REQUIRE(scene.run());
    CHECK_THAT(scene.client.received(), StartsWith("HTTP/1.1 503 culvert: shutting down"));
    CHECK_THAT(scene.access_text(), Contains(" outcome=aborted stage=route status=503 "));
  }
}

TEST_CASE("a check that takes too long is not waited for") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kRight));
  scene.start();
  scene.await_check();
  scene.clock.advance(scene.config.connect_timeout + 1ms);
  REQUIRE(turn_until(scene.loop, [&] { return scene.client.received_end(); }));
  CHECK_THAT(scene.client.received(), StartsWith("HTTP/1.1 429 "));
  held = false;
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
}

TEST_CASE("a session is destroyed while its password is checked") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kRight));
  scene.start();
  scene.await_check();
  scene.end_session();
  settle(scene.loop);
  held = false;
  settle(scene.loop);
  CHECK(scene.finished == 0);
}

TEST_CASE(
    "a connection is not kept after a 407 that comes when the proxy drains, or has new rules") {
  SignInScene scene;
  held = true;
  scene.client.sends(connect(kWrong));
  scene.start();
  scene.await_check();
  if (GENERATE(true, false)) {
    scene.session->begin_drain();
  } else {
    scene.retire();
  }
  held = false;
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(),
             StartsWith("HTTP/1.1 407 ") && Contains("\r\nConnection: close\r\n"));
  CHECK(scene.client.received_end());
}

TEST_CASE("a drain while a 407 is taken slowly ends the connection behind it") {
  SignInScene scene;
  scene.client.takes(10);
  scene.client.sends(connect(""));
  scene.start();
  settle(scene.loop);
  scene.session->begin_drain();
  settle(scene.loop);
  CHECK(scene.finished == 0);
  scene.client.takes_all();
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(), EndsWith("http://user:password@host:port.\n"));
}
