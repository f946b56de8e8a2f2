#include "codec/forward_head.h"

#include <string>

#include "codec/upgrade.h"
#include "support/catch.h"

using namespace culvert;
using Kind = BodyFraming::Kind;

namespace {

/// `head` written for the next hop; the request line and the fields as given, lines joined by \n.
std::string forward(std::string head, RequestForward how = {}) {
  std::string wire;
  for (const char c : head) wire += c == '\n' ? "\r\n" : std::string(1, c);
  wire += "\r\n\r\n";
  RequestHead parsed;
  REQUIRE(parse_request_head(wire, HeadLimits{}, parsed).ok());
  RequestTarget target;
  REQUIRE(parse_request_target(parsed, target).ok());
  const auto options = connection_options(parsed);
  how.pseudonym = "culvert-1";
  how.framing = *request_framing(parsed);
  how.upgrade = wants_upgrade(parsed, *options);
  std::string out;
  append_request_head(parsed, target, *options, how, out);
  std::string lines;
  for (const char c : out) {
    if (c != '\r') lines += c;
  }
  return lines;
}

std::string forward_response(std::string head, ResponseForward how = {},
                             std::string_view method = "GET") {
  std::string wire;
  for (const char c : head) wire += c == '\n' ? "\r\n" : std::string(1, c);
  wire += "\r\n\r\n";
  ResponseHead parsed;
  REQUIRE(parse_response_head(wire, HeadLimits{}, parsed).ok());
  how.pseudonym = "culvert-1";
  how.to_head = method == "HEAD";
  how.framing = framing_for_client(*response_framing(parsed, method), how.keep_alive ? 1 : 0);
  std::string out;
  append_response_head(parsed, *connection_options(parsed), how, out);
  std::string lines;
  for (const char c : out) {
    if (c != '\r') lines += c;
  }
  return lines;
}

}  // namespace

TEST_CASE("a request goes to its target in origin-form with Host first (RFC 9112 3.2.1)") {
  CHECK(forward("GET http://a.example/b?c HTTP/1.1\nAccept: */*\nHost: other:99") ==
        "GET /b?c HTTP/1.1\nHost: a.example\nAccept: */*\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("GET http://A:8080 HTTP/1.1\nHost: a") ==
        "GET / HTTP/1.1\nHost: a:8080\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("GET http://a.example.:8080/ HTTP/1.1\nHost: a") ==
        "GET / HTTP/1.1\nHost: a.example.:8080\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("GET http://[2001:DB8::1]:80?q HTTP/1.1\nHost: a") ==
        "GET /?q HTTP/1.1\nHost: [2001:db8::1]\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("a request goes to an upstream proxy in absolute-form (RFC 9112 3.2.2)") {
  RequestForward how;
  how.absolute_form = true;
  CHECK(forward("GET http://a:80/b HTTP/1.1\nHost: a", how) ==
        "GET http://a/b HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
  how.proxy_authorization = "Basic dTpw";
  CHECK(forward("GET http://a:81?q HTTP/1.1\nHost: a\nProxy-Authorization: Basic Y2xpZW50", how) ==
        "GET http://a:81/?q HTTP/1.1\nHost: a:81\nProxy-Authorization: Basic dTpw\n"
        "Via: 1.1 culvert-1\n\n");
}

TEST_CASE("OPTIONS without path becomes * at the last proxy (RFC 9112 3.2.4)") {
  CHECK(forward("OPTIONS http://a HTTP/1.1\nHost: a") ==
        "OPTIONS * HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
  RequestForward how;
  how.absolute_form = true;
  CHECK(forward("OPTIONS http://a HTTP/1.1\nHost: a", how) ==
        "OPTIONS http://a HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("OPTIONS http://a/ HTTP/1.1\nHost: a") ==
        "OPTIONS / HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("hop-by-hop fields of a request go (RFC 9110 7.6.1)") {
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: keep-alive, X-Mine, host\n"
                "Keep-Alive: timeout=5\nProxy-Connection: keep-alive\nX-Mine: 1\n"
                "Proxy-Authorization: Basic eDp5\nProxy-Authenticate: x\nTE: gzip\n"
                "Upgrade: websocket\nHTTP2-Settings: z\nTrailer: X-Sum\nX-Kept: 2") ==
        "GET / HTTP/1.1\nHost: a\nX-Kept: 2\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("end-to-end fields keep value and order and duplicates (RFC 9110 5.3)") {
  CHECK(forward("GET http://a/ HTTP/1.1\nX-B: 2\nHost: a\nx-a:\t1 \nX-B: 3\nDate: now\n"
                "Cookie: a=b; c\nX-Empty:\nX-Obs: \xe9\nVia: 1.0 first") ==
        "GET / HTTP/1.1\nHost: a\nX-B: 2\nx-a: 1\nX-B: 3\nDate: now\nCookie: a=b; c\nX-Empty: \n"
        "X-Obs: \xe9\nVia: 1.0 first\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("framing is written anew where the length stood (RFC 9112 6)") {
  CHECK(forward("POST http://a/ HTTP/1.1\nHost: a\nCONTENT-length: 005\nX: y") ==
        "POST / HTTP/1.1\nHost: a\nCONTENT-length: 5\nX: y\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("POST http://a/ HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\nTrailer: X-Sum") ==
        "POST / HTTP/1.1\nHost: a\nTrailer: X-Sum\nTransfer-Encoding: chunked\n"
        "Via: 1.1 culvert-1\n\n");
  CHECK(forward("POST http://a/ HTTP/1.1\nHost: a\nContent-Length: 0") ==
        "POST / HTTP/1.1\nHost: a\nContent-Length: 0\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("the connection to the next hop is ours to decide (RFC 9112 9.3)") {
  RequestForward how;
  how.keep_alive = false;
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: keep-alive", how) ==
        "GET / HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\nConnection: close\n\n");
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: close") ==
        "GET / HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("TE: trailers is passed on as our own (RFC 9110 10.1.4)") {
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: TE\nTE: gzip;q=0.5, trailers") ==
        "GET / HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\nConnection: TE\nTE: trailers\n\n");
  CHECK(forward("GET http://a/ HTTP/1.0\nTE: trailers") ==
        "GET / HTTP/1.1\nHost: a\nVia: 1.0 culvert-1\n\n");
}

TEST_CASE("an upgrade is passed on with its connection option (RFC 9110 7.8)") {
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: h2c, websocket\n"
                "Sec-WebSocket-Key: x") ==
        "GET / HTTP/1.1\nHost: a\nUpgrade: websocket\nSec-WebSocket-Key: x\n"
        "Via: 1.1 culvert-1\nConnection: upgrade\n\n");
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\n"
                "Upgrade: h2c\nHTTP2-Settings: x") ==
        "GET / HTTP/1.1\nHost: a\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("an HTTP/1.0 request becomes HTTP/1.1 without Expect (RFC 9110 10.1.1)") {
  CHECK(forward("PUT http://a/ HTTP/1.0\nExpect: 100-continue\nContent-Length: 1") ==
        "PUT / HTTP/1.1\nHost: a\nContent-Length: 1\nVia: 1.0 culvert-1\n\n");
  CHECK(forward("PUT http://a/ HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1") ==
        "PUT / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 1\n"
        "Via: 1.1 culvert-1\n\n");
}

TEST_CASE("Max-Forwards goes on with its new value (RFC 9110 7.6.2)") {
  RequestForward how;
  how.max_forwards = 2;
  CHECK(forward("TRACE http://a/ HTTP/1.1\nHost: a\nMax-Forwards: 3\nmax-forwards: 9", how) ==
        "TRACE / HTTP/1.1\nHost: a\nMax-Forwards: 2\nVia: 1.1 culvert-1\n\n");
  CHECK(forward("GET http://a/ HTTP/1.1\nHost: a\nMax-Forwards: 3") ==
        "GET / HTTP/1.1\nHost: a\nMax-Forwards: 3\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("a response keeps its status and its end-to-end fields") {
  CHECK(forward_response("HTTP/1.1 404 Not  Found\nServer: x\nDate: then\nSet-Cookie: a\n"
                         "Content-Length: 5\nSet-Cookie: b\nVia: 1.1 first") ==
        "HTTP/1.1 404 Not  Found\nServer: x\nDate: then\nSet-Cookie: a\nContent-Length: 5\n"
        "Set-Cookie: b\nVia: 1.1 first\nVia: 1.1 culvert-1\n\n");
  CHECK(forward_response("HTTP/1.0 200\nContent-Length: 5") ==
        "HTTP/1.1 200 \nContent-Length: 5\nVia: 1.0 culvert-1\n\n");
}

TEST_CASE("hop-by-hop fields of a response go (RFC 9110 7.6.1)") {
  CHECK(forward_response("HTTP/1.1 407 x\nConnection: close, X-Mine\nX-Mine: 1\nKeep-Alive: x\n"
                         "Proxy-Authenticate: Basic\nProxy-Authentication-Info: x\nTE: x\n"
                         "Upgrade: websocket\nProxy-Connection: close\nContent-Length: 0") ==
        "HTTP/1.1 407 x\nContent-Length: 0\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("a response is framed for the client (RFC 9112 6.3)") {
  CHECK(forward_response("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: X-Sum") ==
        "HTTP/1.1 200 OK\nTrailer: X-Sum\nTransfer-Encoding: chunked\nVia: 1.1 culvert-1\n\n");
  CHECK(forward_response("HTTP/1.0 200 OK\nX: y") ==
        "HTTP/1.1 200 OK\nX: y\nTransfer-Encoding: chunked\nVia: 1.0 culvert-1\n\n");
  ResponseForward old_client;
  old_client.keep_alive = false;
  CHECK(forward_response("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: x", old_client) ==
        "HTTP/1.1 200 OK\nVia: 1.1 culvert-1\nConnection: close\n\n");
}

TEST_CASE("a response without body keeps its Content-Length (RFC 9110 8.6)") {
  CHECK(forward_response("HTTP/1.1 200 OK\nContent-Length: 999", {}, "HEAD") ==
        "HTTP/1.1 200 OK\nContent-Length: 999\nVia: 1.1 culvert-1\n\n");
  CHECK(forward_response("HTTP/1.1 200 OK\nTransfer-Encoding: chunked", {}, "HEAD") ==
        "HTTP/1.1 200 OK\nVia: 1.1 culvert-1\n\n");
  CHECK(forward_response("HTTP/1.1 304 Not Modified\nContent-Length: 9\nETag: x") ==
        "HTTP/1.1 304 Not Modified\nContent-Length: 9\nETag: x\nVia: 1.1 culvert-1\n\n");
  for (const char* method : {"GET", "HEAD"}) {
    CHECK(forward_response("HTTP/1.1 204 No Content\nContent-Length: 0", {}, method) ==
          "HTTP/1.1 204 No Content\nVia: 1.1 culvert-1\n\n");
    CHECK(forward_response("HTTP/1.1 103 x\nContent-Length: 0", {}, method) ==
          "HTTP/1.1 103 x\nVia: 1.1 culvert-1\n\n");
  }
}

TEST_CASE("interim responses have no Connection field (RFC 9110 15.2)") {
  ResponseForward closing;
  closing.keep_alive = false;
  closing.date = "now";
  CHECK(forward_response("HTTP/1.1 103 Early Hints\nLink: x", closing) ==
        "HTTP/1.1 103 Early Hints\nLink: x\nVia: 1.1 culvert-1\n\n");
}

TEST_CASE("101 and 426 keep Upgrade (RFC 9110 7.8 and 15.5.22)") {
  CHECK(forward_response("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\n"
                         "Upgrade: websocket\nSec-WebSocket-Accept: x") ==
        "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nSec-WebSocket-Accept: x\n"
        "Via: 1.1 culvert-1\nConnection: upgrade\n\n");
  CHECK(forward_response("HTTP/1.1 426 Upgrade Required\nUpgrade: h2c, websocket\n"
                         "Connection: upgrade\nContent-Length: 0") ==
        "HTTP/1.1 426 Upgrade Required\nUpgrade: websocket\nContent-Length: 0\n"
        "Via: 1.1 culvert-1\nConnection: upgrade\n\n");
}

TEST_CASE("a response without Date gets one (RFC 9110 6.6.1)") {
  ResponseForward how;
  how.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(forward_response("HTTP/1.1 204 No Content", how) ==
        "HTTP/1.1 204 No Content\nDate: Sun, 06 Nov 1994 08:49:37 GMT\nVia: 1.1 culvert-1\n\n");
  CHECK(forward_response("HTTP/1.1 204 No Content\ndate: then", how) ==
        "HTTP/1.1 204 No Content\ndate: then\nVia: 1.1 culvert-1\n\n");
}
