// What a plain request looks like when it leaves for the target.

#include "support/catch.h"
#include "support/plain_scene.h"

using namespace culvert;
using namespace culvert::test;

namespace {

/// What the target gets when the client sends `head`, in which "\n" stands for CRLF.
std::string forwarded(std::string_view head, const std::string& upstream = "direct://") {
  PlainScene::Options options;
  options.upstream = upstream;
  PlainScene scene(std::move(options));
  scene.send(crlf(head));
  return scene.at_target();
}

/// The same when nothing may reach the target: the client's answer.
std::string refused(std::string_view head) {
  PlainScene scene;
  scene.send(crlf(head));
  CHECK(scene.at_target().empty());
  CHECK(scene.dialed() == 0);
  const std::string answer = scene.receive();
  CHECK(scene.client().ended());
  CHECK(answer.find("\r\nConnection: close\r\n") != std::string::npos);
  return answer.substr(0, answer.find("\r\n"));
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("RFC 9112 3.2.1: a direct request leaves in origin-form") {
  CHECK(forwarded("GET http://a.example/p?q=1 HTTP/1.1\nHost: a.example\n\n") ==
        crlf("GET /p?q=1 HTTP/1.1\nHost: a.example\nVia: 1.1 scene\n\n"));
}

TEST_CASE("RFC 9112 3.2.1: an empty path becomes a slash") {
  CHECK(has(forwarded("GET http://a.example HTTP/1.1\nHost: a.example\n\n"), "GET / HTTP/1.1\r\n"));
  CHECK(has(forwarded("GET http://a.example?q HTTP/1.1\nHost: a.example\n\n"),
            "GET /?q HTTP/1.1\r\n"));
}

TEST_CASE("RFC 9112 3.2.2: a request for an upstream proxy leaves in absolute-form") {
  CHECK(forwarded("GET http://a.example:8080/p HTTP/1.1\nHost: a.example:8080\n\n",
                  "http://proxy.example") ==
        crlf("GET http://a.example:8080/p HTTP/1.1\nHost: a.example:8080\nVia: 1.1 scene\n\n"));
}

TEST_CASE("RFC 9112 3.2.2: Host comes from the target, whatever the client wrote") {
  const std::string sent = forwarded("GET http://a.example/ HTTP/1.1\nHost: evil.example\n\n");
  CHECK(has(sent, "Host: a.example\r\n"));
  CHECK_FALSE(has(sent, "evil"));
}

TEST_CASE("RFC 9110 9: every method is passed on, unknown ones too") {
  for (const std::string method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE",
                                   "PATCH", "PROPFIND", "M-SEARCH", "FROBNICATE"}) {
    CAPTURE(method);
    CHECK(has(forwarded(method + " http://a.example/x HTTP/1.1\nHost: a.example\n\n"),
              method + " /x HTTP/1.1\r\n"));
  }
}

TEST_CASE("RFC 9110 7.6.1: hop-by-hop fields go, and those that Connection names") {
  const std::string sent = forwarded(
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nConnection: keep-alive, X-Hop\n"
      "X-Hop: 1\nKeep-Alive: 5\nProxy-Connection: keep-alive\nTE: gzip\nUpgrade: h2c\n"
      "X-End: 1\n\n");
  CHECK(sent == crlf("GET / HTTP/1.1\nHost: a.example\nX-End: 1\nVia: 1.1 scene\n\n"));
}

TEST_CASE("RFC 9110 11.7.2: Proxy-Authorization stays here") {
  CHECK_FALSE(has(forwarded("GET http://a.example/ HTTP/1.1\nHost: a.example\n"
                            "Proxy-Authorization: Basic b3VyczpvbmU=\n\n"),
                  "Proxy-Authorization"));
}

TEST_CASE("RFC 9110 11.7.2: an upstream proxy gets its own credentials, not the client's") {
  const std::string sent = forwarded(
      "GET http://a.example/ HTTP/1.1\nHost: a.example\nProxy-Authorization: Basic b3Vycw==\n\n",
      "http://user:word@proxy.example");
  CHECK(has(sent, "Proxy-Authorization: Basic secret\r\n"));
  CHECK_FALSE(has(sent, "b3Vycw"));
}

TEST_CASE("RFC 9110 5.3: order and duplicates are kept") {
  CHECK(has(forwarded("GET http://a.example/ HTTP/1.1\nB: 2\nA: 1\nHost: a.example\nB: 1\n"
                      "Cookie: x\nCookie: y\n\n"),
            crlf("B: 2\nA: 1\nB: 1\nCookie: x\nCookie: y\n")));
}

TEST_CASE("RFC 9110 7.6.3: Via grows, and names the version of the received request") {
  CHECK(has(forwarded("GET http://a.example/ HTTP/1.1\nHost: a.example\nVia: 1.0 other\n\n"),
            crlf("Via: 1.0 other\nVia: 1.1 scene\n")));
  CHECK(has(forwarded("GET http://a.example/ HTTP/1.0\n\n"), crlf("Via: 1.0 scene\n")));
}

TEST_CASE("RFC 9110 7.6.3: a request that has been here is a loop") {
  CHECK(has(refused("GET http://a.example/ HTTP/1.1\nHost: a.example\nVia: 1.1 x, 1.1 scene\n\n"),
            "HTTP/1.1 508 "));
}

TEST_CASE("RFC 9112 2.5: an HTTP/1.0 request goes on as HTTP/1.1") {
  CHECK(forwarded("GET http://a.example/ HTTP/1.0\n\n") ==
        crlf("GET / HTTP/1.1\nHost: a.example\nVia: 1.0 scene\n\n"));
}

TEST_CASE("RFC 9110 7.6.2: Max-Forwards counts down") {
  CHECK(has(forwarded("TRACE http://a.example/ HTTP/1.1\nHost: a.example\nMax-Forwards: 3\n\n"),
            "Max-Forwards: 2\r\n"));
  CHECK(has(forwarded("GET http://a.example/ HTTP/1.1\nHost: a.example\nMax-Forwards: 3\n\n"),
            "Max-Forwards: 3\r\n"));
}

TEST_CASE("RFC 9110 9.3.8: TRACE with Max-Forwards 0 is answered here, without credentials") {
  PlainScene scene;
  scene.send(
      crlf("TRACE http://a.example/ HTTP/1.1\nHost: a.example\nMax-Forwards: 0\n"
           "Cookie: secret\n\n"));
  const std::string answer = scene.receive();
  CHECK(scene.dialed() == 0);
  CHECK(has(answer, "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\n"));
  CHECK(has(answer, "TRACE http://a.example/ HTTP/1.1\r\n"));
  CHECK_FALSE(has(answer, "secret"));
}

TEST_CASE("RFC 9110 9.3.7: OPTIONS * and OPTIONS with Max-Forwards 0 are answered here") {
  for (const char* head : {"OPTIONS * HTTP/1.1\nHost: proxy.example\n\n",
                           "OPTIONS http://a.example HTTP/1.1\nHost: a.example\n"
                           "Max-Forwards: 0\n\n"}) {
    PlainScene scene;
    scene.send(crlf(head));
    CHECK(has(scene.receive(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nDate: "));
    CHECK(scene.dialed() == 0);
  }
}

TEST_CASE("what is answered here has a line of its own, without the bytes of the exchange before") {
  for (const char* head : {"OPTIONS * HTTP/1.1\nHost: proxy.example\n\n",
                           "TRACE http://a.example/ HTTP/1.1\nHost: a.example\n"
                           "Max-Forwards: 0\n\n"}) {
    PlainScene scene;
    scene.send(crlf("POST http://a.example/ HTTP/1.1\nHost: a.example\nContent-Length: 2\n\n") +
               "up");
    scene.answer(crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\n") + "down");
    scene.send(crlf(head));
    scene.client().finish();
    scene.settle();
    const auto lines = scene.access_lines();
    REQUIRE(lines.size() == 2);
    CHECK(has(lines[0], " bytes_up=2 bytes_down=4 "));
    CHECK(has(lines[1], " upstream=- outcome=ok "));
    CHECK(has(lines[1], " status=200 bytes_up=0 bytes_down=0 "));
    CHECK_FALSE(has(lines[1], "first_byte_ms"));
  }
}

TEST_CASE("RFC 9112 3.2.4: OPTIONS of a whole server reaches it as *") {
  CHECK(has(forwarded("OPTIONS http://a.example HTTP/1.1\nHost: a.example\n\n"),
            "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n"));
}

TEST_CASE("RFC 9110 10.1.1: an unknown expectation is refused with 417") {
  CHECK(has(refused("GET http://a.example/ HTTP/1.1\nHost: a.example\nExpect: tea\n\n"),
            "HTTP/1.1 417 "));
}

TEST_CASE("what is no http URL is refused, and the reason names the mistake") {
  CHECK(
      has(refused("GET / HTTP/1.1\nHost: a.example\n\n"), "HTTP/1.1 400 culvert: this is a proxy"));
  CHECK(has(refused("GET https://a.example/ HTTP/1.1\nHost: a.example\n\n"),
            "HTTP/1.1 501 culvert: an https:// URL crosses a proxy by CONNECT"));
  CHECK(has(refused("GET ftp://a.example/ HTTP/1.1\nHost: a.example\n\n"),
            "HTTP/1.1 501 culvert: this proxy forwards http:// URLs, not ftp://"));
}

TEST_CASE("RFC 9110 15: each limit has its status") {
  const std::string long_path(20'000, 'p');
  CHECK(has(refused("GET http://a.example/" + long_path + " HTTP/1.1\nHost: a.example\n\n"),
            "HTTP/1.1 414 "));
  CHECK(has(refused("GET http://a.example/ HTTP/1.1\nHost: a.example\nX: " +
                    std::string(70'000, 'x') + "\n\n"),
            "HTTP/1.1 431 "));
  std::string many;
  for (int i = 0; i < 300; ++i) many += "X: y\n";
  CHECK(has(refused("GET http://a.example/ HTTP/1.1\nHost: a.example\n" + many + "\n"),
            "HTTP/1.1 431 "));
  CHECK(has(refused("GET http://a.example/ HTTP/2.0\nHost: a.example\n\n"), "HTTP/1.1 505 "));
  CHECK(has(refused("POST http://a.example/ HTTP/1.1\nHost: a.example\n"
                    "Transfer-Encoding: gzip, chunked\n\n"),
            "HTTP/1.1 501 "));
}

TEST_CASE("RFC 9110 15.5.9: a head that does not come in time gets 408") {
  PlainScene::Options options;
  options.config.header_timeout = std::chrono::milliseconds(30);
  PlainScene scene(std::move(options));
  scene.send("GET http://a.exam");
  scene.pass(std::chrono::milliseconds(29));
  CHECK(scene.receive().empty());
  scene.pass(std::chrono::milliseconds(1));
  CHECK(has(scene.receive(), "HTTP/1.1 408 "));
  CHECK(scene.client().ended());
}

TEST_CASE("a dial that fails is a 502 with the reason") {
  PlainScene scene;
  scene.refuse_dials({Errc::connection_refused, Side::target, 0, "refused the connection"});
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  CHECK(has(scene.receive(), "HTTP/1.1 502 culvert: target a.example:80 refused the connection"));
}

TEST_CASE("RFC 3986 2.1: bytes beyond ASCII in path and query go on percent-encoded") {
  for (const char* upstream : {"direct://", "http://proxy.example"}) {
    PlainScene::Options options;
    options.upstream = upstream;
    PlainScene scene(std::move(options));
    scene.send(
        crlf("GET http://a.example/\xc3\xbc"
             "ber%20?q=\xff HTTP/1.1\nHost: a.example\n\n"));
    CHECK(has(scene.at_target(), "a.example/%C3%BCber%20?q=%FF HTTP/1.1\r\n") ==
          (upstream[0] == 'h'));
  }
}

TEST_CASE("RFC 3986 3.2.2: in a host there are none") {
  for (const char* target :
       {"http://\xc3\xbc.example/", "http://a.example:\xc3/", "h\xc3://a/", "\xc3"}) {
    PlainScene scene;
    scene.send(crlf("GET " + std::string(target) + " HTTP/1.1\nHost: a.example\n\n"));
    CHECK(has(scene.receive(), "HTTP/1.1 400 "));
    CHECK(scene.dialed() == 0);
  }
}

TEST_CASE("RFC 9110 15.5.8: 407 of a target is a bad answer") {
  PlainScene scene;
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  scene.answer(crlf("HTTP/1.1 407 Who\nProxy-Authenticate: Basic realm=x\nContent-Length: 0\n\n"));
  const std::string received = scene.receive();
  CHECK(has(received, "HTTP/1.1 502 culvert: target a.example:80 sent a bad answer: it is 407"));
  CHECK_FALSE(has(received, "Basic"));
}

TEST_CASE("RFC 9110 15.5.8: 407 of an upstream proxy is ours to solve, and becomes 502") {
  PlainScene::Options options;
  options.upstream = "http://proxy.example";
  PlainScene scene(std::move(options));
  scene.send(crlf("GET http://a.example/ HTTP/1.1\nHost: a.example\n\n"));
  scene.answer(crlf("HTTP/1.1 407 Who\nProxy-Authenticate: Basic realm=x\nContent-Length: 0\n\n"));
  const std::string answer = scene.receive();
  CHECK(has(answer,
            "HTTP/1.1 502 culvert: upstream http://proxy.example:3128 (for a.example:80) "
            "answered 407 - it wants a user and password"));
}
