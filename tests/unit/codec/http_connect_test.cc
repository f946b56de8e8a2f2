#include "codec/http_connect.h"

#include <string>

#include "support/catch.h"
#include "support/handshake_script.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

Outcome run(std::string_view to, const std::optional<Credentials>& credentials,
            const std::string& answer) {
  std::vector<std::string> answers;
  if (!answer.empty()) answers.push_back(answer);
  return play_all(
      [&] { return make_http_connect_handshake(*HostPort::parse(to), credentials, ""); }, answers);
}

Outcome run(const std::string& answer) { return run("gcr.io:443", std::nullopt, answer); }

/// How it failed, at once or, if more of the reason was awaited, with the connection's end.
Error error_of(const Outcome& outcome) {
  REQUIRE((outcome.error || outcome.at_eof));
  const Error& error = outcome.error ? *outcome.error : *outcome.at_eof;
  CHECK(error.text.size() <= 190);
  for (const char c : error.text) CHECK((c >= ' ' && c <= '~'));
  return error;
}

const Credentials kAlice{"alice", Secret("hunter2secret")};

}  // namespace

TEST_CASE("CONNECT is sent in authority-form with Host") {
  CHECK(run("").sent[0] == "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n");
  CHECK(run("gcr.io.:443", {}, "").sent[0] ==
        "CONNECT gcr.io.:443 HTTP/1.1\r\nHost: gcr.io.:443\r\n\r\n");
  CHECK(run("[2001:db8::1]:443", {}, "").sent[0] ==
        "CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n\r\n");
}

TEST_CASE("RFC 9110 7.6.3: CONNECT carries Via, and an upstream that has met it reports a loop") {
  const HostPort target = *HostPort::parse("gcr.io:443");
  const auto handshake = make_http_connect_handshake(target, std::nullopt, "culvert-1");
  CHECK(handshake->take_output() ==
        "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\nVia: 1.1 culvert-1\r\n\r\n");
  const Error loop = error_of(run("HTTP/1.1 508 culvert: it has been here before\r\n\r\n"));
  CHECK(loop.code == Errc::proxy_loop_detected);
  CHECK_THAT(loop.text, Contains("answered 508 it has been here before for gcr.io:443"));
}

TEST_CASE("CONNECT carries Basic credentials preemptively (RFC 7617 section 2)") {
  const Credentials aladdin{"Aladdin", Secret("open sesame")};
  CHECK(run("gcr.io:443", aladdin, "").sent[0] ==
        "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n"
        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST_CASE("any 2xx opens the tunnel right behind the empty line") {
  const auto answer = GENERATE(values<std::string>({
      "HTTP/1.1 200 Connection established\r\n\r\n",
      "HTTP/1.0 200 OK\r\n\r\n",
      "HTTP/1.1 200\r\n\r\n",
      "HTTP/1.1 200 \r\n\r\n",
      "HTTP/1.1 204 No Content\r\n\r\n",
      "HTTP/1.1 200 OK\r\nVia: 1.1 proxy\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
      // Only the status line and the head's end count, as for Go and curl.
      "HTTP/1.1 200 OK\nProxy-Agent: x\n\n",
      "HTTP/1.0 200 Connection established\n\n",
      "HTTP/1.1 200\n\n",
      "HTTP/1.1 200 OK\nA: b\r\n\n",
      "HTTP/1.1 200 OK\r\nA: b\n\r\n",
      "HTTP/1.1  200  OK\r\n\r\n",
      "HTTP/1.1 200 O\x01\xc3K\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\td\r\n\r\n",
      "HTTP/1.1 200 OK\r\n A: b\r\n\r\n",
      "HTTP/1.1 200 OK\r\nA: b\r\n \r\n\r\n",
      "HTTP/1.1 200 OK\r\nno field\r\n: x\r\nA\r: b\rc\x01\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "HTTP/1.1 103 Early Hints\nLink : x\n\nHTTP/1.1 200 OK\n\n",
  }));
  CAPTURE(answer);
  CHECK(run(answer).done);
  CHECK(run(answer).rest.empty());
  const Outcome glued = run(answer + "HTTP/1.1 \x16\x03\0"s);
  CHECK(glued.done);
  CHECK(glued.rest == "HTTP/1.1 \x16\x03\0"s);
}

TEST_CASE("RFC 9110 9.3.6: what frames an answer to CONNECT is ignored") {
  const auto fields = GENERATE(values<std::string>({
      "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
      "content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 6\r\n",
      "Content-Length: \r\n",
      "Content-Length: x\r\n",
      "Transfer-Encoding: chunked, gzip\r\n",
  }));
  CAPTURE(fields);
  const Outcome good = run("HTTP/1.1 200 OK\r\n" + fields + "\r\nhello");
  CHECK(good.done);
  CHECK(good.rest == "hello");
  CHECK(error_of(run("HTTP/1.1 407 No\r\n" + fields + "\r\n")).code == Errc::upstream_auth_failed);
  CHECK(run("HTTP/1.1 200 OK\r\n" + fields + "A : b\r\n\r\n").done);
}

TEST_CASE("a refusal is repeated with its status and reason") {
  struct Row {
    const char* status;
    Errc errc;
    Side side;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"403 Forbidden", Errc::upstream_denied, Side::upstream,
       "answered 403 Forbidden for gcr.io:443"},
      {"404 Not Found", Errc::destination_unavailable, Side::upstream,
       "answered 404 Not Found for gcr.io:443"},
      {"405 Method Not Allowed", Errc::upstream_unsupported, Side::upstream,
       "answered 405 Method Not Allowed for gcr.io:443 - does it serve CONNECT?"},
      {"501 Not Implemented", Errc::upstream_unsupported, Side::upstream,
       "answered 501 Not Implemented for gcr.io:443 - does it serve CONNECT?"},
      {"502 Bad Gateway", Errc::destination_unavailable, Side::target,
       "answered 502 Bad Gateway for gcr.io:443"},
      {"503 Service Unavailable", Errc::destination_unavailable, Side::target,
       "answered 503 Service Unavailable for gcr.io:443"},
      {"504 Gateway Timeout", Errc::connection_timeout, Side::target,
       "answered 504 Gateway Timeout for gcr.io:443"},
      {"302 Found", Errc::destination_unavailable, Side::upstream,
       "answered 302 Found for gcr.io:443"},
      {"500", Errc::destination_unavailable, Side::target, "answered 500 for gcr.io:443"},
      {"500 n\xc3\xa4ss\tx", Errc::destination_unavailable, Side::target,
       "answered 500 n??ss?x for gcr.io:443"},
  }));
  const Error error = error_of(run("HTTP/1.1 "s + row.status + "\r\nContent-Length: 1\r\n\r\nx"));
  CHECK(error.code == row.errc);
  CHECK(error.side == row.side);
  CHECK(error.text == row.text);
}

TEST_CASE("407 is an error of our configuration and names what to check") {
  const std::string answer =
      "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n";
  const Error bare = error_of(run(answer));
  CHECK(bare.code == Errc::upstream_auth_failed);
  CHECK(bare.text ==
        "answered 407 Proxy Authentication Required for gcr.io:443 - it wants a user and password");
  const Error with = error_of(run("gcr.io:443", Credentials{"u", Secret("secret")}, answer));
  CHECK(with.text ==
        "answered 407 Proxy Authentication Required for gcr.io:443 - check user and password");
}

TEST_CASE("the reason of another culvert comes through") {
  const std::string refused = "upstream socks5://192.168.100.100:1080 refused the connection";
  CHECK(error_of(run("HTTP/1.1 502 culvert: " + refused + " - is the tunnel up?\r\n\r\n")).text ==
        "answered 502 " + refused + " - is the tunnel up? for gcr.io:443");
  CHECK(error_of(run("HTTP/1.1 502 culvert: target gcr.io:443 is closed\r\n\r\n")).text ==
        "answered 502 target gcr.io:443 is closed");
}

TEST_CASE("407 without Basic names what would be taken instead") {
  struct Row {
    std::string fields, advice;
  };
  const Row row = GENERATE(values<Row>({
      {"Proxy-Authenticate: NTLM\r\n", "it takes only NTLM, and we have Basic"},
      {"Proxy-Authenticate: Negotiate\r\nproxy-authenticate: NTLM TlRMTVNTUAAC==\r\n",
       "it takes only Negotiate, NTLM, and we have Basic"},
      {"Proxy-Authenticate: Digest realm=\"Basic, \\\"x\", nonce = \"a,b\", qop=auth, "
       "Negotiate\r\n",
       "it takes only Digest, Negotiate, and we have Basic"},
      {"Proxy-Authenticate: Digest nonce=x, BASIC realm=y\r\n", "it wants a user and password"},
      {"Proxy-Authenticate: Basic\r\n", "it wants a user and password"},
      {"Proxy-Authenticate: ,\r\nProxy-Authenticate: \"\r\n",
       "it takes only \", and we have Basic"},
      {"Proxy-Authenticate: \xc3\r\n", "it takes only ?, and we have Basic"},
      {"Proxy-Authenticate: " + std::string(100, 'n') + "\r\n",
       "it takes only " + std::string(37, 'n') + "..., and we have Basic"},
      {"Proxy-Authenticate:\r\n", "it wants a user and password"},
      {"", "it wants a user and password"},
  }));
  CAPTURE(row.fields);
  const std::string answer = "HTTP/1.1 407 No\r\n" + row.fields + "\r\n";
  CHECK(error_of(run(answer)).text == "answered 407 No for gcr.io:443 - " + row.advice);
  const bool wants = row.advice.starts_with("it wants");
  CHECK(error_of(run("gcr.io:443", Credentials{"u", Secret("secret")}, answer)).text ==
        "answered 407 No for gcr.io:443 - " + (wants ? "check user and password" : row.advice));
}

TEST_CASE("a long reason leaves room for what may be done") {
  const std::string words = "Access is denied, as " + std::string(150, 'x');
  const std::string fields = "Proxy-Authenticate: NTLM\r\n";
  CHECK_THAT(error_of(run("HTTP/1.1 407 " + words + "\r\n" + fields + "\r\n")).text,
             Catch::Matchers::EndsWith("for gcr.io:443 - it takes only NTLM, and we have Basic"));
  CHECK_THAT(error_of(run("HTTP/1.1 405 " + words + "\r\n\r\n")).text,
             Catch::Matchers::EndsWith("for gcr.io:443 - does it serve CONNECT?"));
}

TEST_CASE("a challenge that repeats our password is not repeated") {
  const Credentials credentials{"alic", Secret("hunter2secret")};
  for (const char* scheme : {"hunter2secret", "YWxpYzpodW50ZXIyc2VjcmV0"}) {
    const std::string answer =
        std::string("HTTP/1.1 407 No\r\nProxy-Authenticate: ") + scheme + " realm=\"x\"\r\n\r\n";
    CHECK_THAT(error_of(run("gcr.io:443", credentials, answer)).text,
               Contains("it takes only ***, and we have Basic"));
  }
}

TEST_CASE("a long reason is cut") {
  const Error error = error_of(run(std::string(200, 'a') + ".example:443", {},
                                   "HTTP/1.1 500 " + std::string(5000, 'r') + "\r\n\r\n"));
  CHECK_THAT(error.text, Contains("rrr... for aaa"));
}

TEST_CASE("other protocols and malformed answers are named") {
  struct Row {
    std::string answer;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"\x05\xff"s, "answered in SOCKS5, not in HTTP"},
      {"\x15\x03\x03\x00\x02\x02\x0a"s, "answered in TLS, not in HTTP"},
      {"SSH-2.0-OpenSSH_9.2\r\n", "answered in SSH, not in HTTP"},
      {"220 ready\r\n", "did not answer in HTTP"},
      {"http/1.1 200 OK\r\n\r\n", "did not answer in HTTP"},
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "sent an empty line before its status line"},
      {"\nHTTP/1.1 200 OK\r\n\r\n", "sent an empty line before its status line"},
      {"HTTP/1.1 102 Processing\r\n\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
       "sent an empty line before its status line"},
      {"\rHTTP/1.1 200 OK\r\n\r\n", "did not answer in HTTP"},
      {"HTTP/2 200\r\n\r\n", "malformed answer: the HTTP version"},
      {"HTTP/2.0 200 OK\n\n", "malformed answer: the HTTP version"},
      {"HTTP/1.1\t200 OK\r\n\r\n", "malformed answer: the HTTP version"},
      {"HTTP/1.1\r\n\r\n", "malformed answer: the status line has no status code"},
      {"HTTP/1.1 200OK\r\n\r\n", "malformed answer: the status code"},
      {"HTTP/1.1 20 OK\r\n\r\n", "malformed answer: the status code"},
      {"HTTP/1.1 200 OK\r\n\rA: b\r\n\r\n", "a CR stands without LF"},
      {"HTTP/1.1 200 OK\r\n\r\r\n\r\n", "a CR stands without LF"},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "answered 101"},
  }));
  const Error error = error_of(run(row.answer));
  CHECK(error.code == Errc::upstream_protocol_error);
  CHECK(error.side == Side::upstream);
  CHECK_THAT(error.text, Contains(row.text));
}

TEST_CASE("answers without end are refused") {
  CHECK(error_of(run("HTTP/1.1 200 OK\r\n" + std::string(70'000, 'a'))).code ==
        Errc::upstream_protocol_error);
}

TEST_CASE("interim answers are bounded by their bytes, not by their number") {
  std::string interim;
  for (int i = 0; i < 40; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK(run(interim + "HTTP/1.1 200 OK\r\n\r\n").done);

  const HostPort target = *HostPort::parse("gcr.io:443");
  const auto handshake = make_http_connect_handshake(target, std::nullopt, "");
  const std::string large =
      "HTTP/1.1 102 Processing\r\nX: " + std::string(60'000, 'x') + "\r\n\r\n";
  std::optional<HandshakeFailure> failure;
  int taken = 0;
  for (; taken < 100 && !failure; ++taken) {
    const auto used = handshake->consume(large);
    if (!used) failure = used.error();
  }
  REQUIRE(failure);
  CHECK(taken == 18);
  CHECK(failure->text == "sends interim answers only for gcr.io:443");
}

TEST_CASE("a closed connection is named by how far the answer came") {
  CHECK(run("").at_eof->text == "closed the connection instead of answering for gcr.io:443");
  CHECK_THAT(run("HTTP/1.1 200 OK\r\n").at_eof->text, Contains("in the middle of its answer"));
  CHECK_THAT(run("HT").at_eof->text, Contains("did not answer in HTTP"));
  CHECK(run("HTTP/1.1 100 Continue\r\n\r\n").at_eof->code == Errc::connection_terminated);
}

TEST_CASE("a head that ends in LF alone is as long as any") {
  CHECK(run("HTTP/1.1 200 OK\n" + std::string(65'000, 'a') + "\n\n").done);
  CHECK_THAT(error_of(run("HTTP/1.1 200 OK\n" + std::string(65'600, 'a') + "\n\n")).text,
             Contains("malformed answer: the head is longer than 65536 bytes"));
}

TEST_CASE("a refusal names the cause that the proxy tells elsewhere") {
  struct Row {
    std::string answer;
    const char* text;
  };
  const auto row = GENERATE(values<Row>({
      {"503 Service Unavailable\r\nX-Squid-Error: ERR_CONNECT_FAIL 111\r\nContent-Length: "
       "0\r\n\r\n",
       "503: connection refused, ERR_CONNECT_FAIL 111 (Service Unavailable) for gcr.io:443"},
      {"503 Service Unavailable\nx-squid-error : ERR_DNS_FAIL 0\n\n",
       "503: the name does not resolve, ERR_DNS_FAIL (Service Unavailable) for gcr.io:443"},
      {"403 Forbidden\r\nX-Squid-Error:\r\n ERR_ACCESS_DENIED 0\r\n\r\n",
       "403: its rules deny access, ERR_ACCESS_DENIED (Forbidden) for gcr.io:443"},
      {"502 Bad Gateway\r\nProxy-Status: far.example; error=dns_error; rcode=\"NXDOMAIN\"\r\n\r\n",
       "502: far.example: dns_error, NXDOMAIN (Bad Gateway) for gcr.io:443"},
      {"502 Bad Gateway\r\nProxy-Status: x\r\nX-Squid-Error: ERR_X 7\r\n\r\n",
       "502: ERR_X 7 (Bad Gateway) for gcr.io:443"},
      {"500 Internal Server Error (weird end reason)\r\nTor-Request-Failed: "
       "c-tor/PRIVATE_ADDR\r\n\r\n",
       "500: private addresses are not reached, tor c-tor/PRIVATE_ADDR (Internal Server Error "
       "(weird end reason)) for gcr.io:443"},
      {"502 Bad Gateway\r\ncontent-length: 71\r\n\r\nCannot connect to nosuch.test:443: "
       "[Errno -2] Name or service not known",
       "502: Cannot connect to nosuch.test:443: [Errno -2] Name or service not known (Bad Gateway) "
       "for gcr.io:443"},
      {"500 Internal Server Error\r\nContent-Type: text/plain\r\nTransfer-Encoding: "
       "chunked\r\n\r\n22\r\nCONNECT failed: Connection refused\r\n0\r\n\r\n",
       "500: CONNECT failed: Connection refused (Internal Server Error) for gcr.io:443"},
      {"503 No\r\n\r\nno tunnel to gcr.io:443\r\nand more", "503: no tunnel to gcr.io:443 (No)"},
      {"503 Busy\r\n\r\nBusy\n", "503 Busy for gcr.io:443"},
      {"503 No\r\nContent-Type: text/html\r\n\r\nno text\n", "503 No for gcr.io:443"},
      {"503 No\r\nRetry-After: 120\r\n\r\n",
       "503 No for gcr.io:443 - it asks to try again in 120 s"},
      {"429 Slow\r\nRetry-After: Sun, 29 Nov 2026 08:00:00 GMT\r\n\r\n",
       "429 Slow for gcr.io:443 - it asks to try again after Sun, 29 Nov 2026 08:00:00 GMT"},
      {"302 Found\r\nLocation: http://login.corp/portal?u=1\r\nContent-Length: 0\r\n\r\n",
       "302: it wants a sign-in at login.corp (Found) for gcr.io:443"},
      {"307 Go\r\nLocation: /login\r\n\r\n",
       "307: it wants a sign-in at its own web page (Go) for gcr.io:443"},
      {"301 Moved\r\nLocation: https://gcr.io/\r\n\r\n",
       "301: it leads to gcr.io itself (Moved) for gcr.io:443 - does it serve CONNECT?"},
      {"400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
       "400 Bad Request",
       "400 Bad Request for gcr.io:443 - does it serve CONNECT?"},
      {"502 No\r\n\r\nno tunnel - try again - later\n",
       "502: no tunnel, try again, later (No) for gcr.io:443"},
      {"403 Forbidden\r\n\r\nForbidden by rule 7\n", "403: Forbidden by rule 7 for gcr.io:443"},
      {"511 Network Authentication Required\r\nContent-Type: text/html\r\n\r\n",
       "511 Network Authentication Required for gcr.io:443 - it wants a sign-in with a browser"},
      {"400 Bad\r\nContent-Length: 0\r\n\r\n", "400 Bad for gcr.io:443 - does it serve CONNECT?"},
  }));
  CAPTURE(row.answer);
  CHECK(error_of(run("HTTP/1.1 " + row.answer)).text == "answered "s + row.text);
}

TEST_CASE("a redirect is a failure of its own kind, and tells neither path nor user") {
  const Error error = error_of(
      run("gcr.io:443", kAlice,
          "HTTP/1.1 302 Found\r\nLocation: https://u:p@login.corp:8443/a/b?c=d#e\r\n\r\n"));
  CHECK(error.code == Errc::upstream_wants_sign_in);
  CHECK(error.side == Side::upstream);
  CHECK(error.text == "answered 302: it wants a sign-in at login.corp:8443 (Found) for gcr.io:443");
}

TEST_CASE("a port that many proxies do not connect to is named as that") {
  CHECK(error_of(run("gcr.io:8443", {}, "HTTP/1.1 403 Forbidden\r\n\r\n")).text ==
        "answered 403 Forbidden for gcr.io:8443 - many proxies let CONNECT through to 443 only");
  const std::string rule = "gcr.io:8443 is denied by --route";
  CHECK(error_of(run("gcr.io:8443", {}, "HTTP/1.1 403 culvert: " + rule + "\r\n\r\n")).text ==
        "answered 403 " + rule);
}

TEST_CASE("401 to CONNECT is a 407") {
  const std::string answer =
      "HTTP/1.0 401 Unauthorized\r\nServer: tinyproxy/1.11.1\r\nContent-Type: text/html\r\n"
      "WWW-Authenticate: Basic realm=\"Tinyproxy\"\r\nConnection: close\r\n\r\n";
  const Outcome outcome = run("gcr.io:443", kAlice, answer);
  REQUIRE(outcome.error);
  CHECK(outcome.error->code == Errc::upstream_auth_failed);
  CHECK(outcome.error->text ==
        "answered 401 Unauthorized for gcr.io:443 - check user and password");
  CHECK_THAT(error_of(run("HTTP/1.1 401 No\r\nWWW-Authenticate: NTLM\r\n\r\n")).text,
             Contains("it takes only NTLM, and we have Basic"));
}

TEST_CASE("the cause stands within the first 110 bytes, however long the names are") {
  const std::string to = std::string(60, 'a') + ".example:443";
  const std::string text = error_of(run(to, {},
                                        "HTTP/1.1 503 " + std::string(300, 'r') +
                                            "\r\nX-Squid-Error: ERR_CONNECT_FAIL 113\r\n\r\n"))
                               .text;
  CHECK_THAT(text, Catch::Matchers::StartsWith("answered 503: no route to host"));
  CHECK_THAT(error_of(run(to, {}, "HTTP/1.1 503 No\r\n\r\n" + std::string(900, 'b'))).text,
             Contains("bbb... for aaa"));
}

TEST_CASE("wherever a proxy repeats our password, we do not") {
  const auto place = GENERATE(values<std::string>({
      "503 *\r\nContent-Length: 0\r\n\r\n",
      "503 No\r\nX-Squid-Error: *\r\n\r\n",
      "503 No\r\nProxy-Status: p; error=x; details=\"we got *\"\r\n\r\n",
      "503 No\r\nTor-Request-Failed: *\r\n\r\n",
      "302 No\r\nLocation: http://*/\r\n\r\n",
      "302 No\r\nLocation: http://*.corp/\r\n\r\n",
      "503 No\r\nRetry-After: *\r\n\r\n",
      "503 No\r\n\r\nunknown * here\n",
      "503 No\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfor \r\n40\r\n*",
  }));
  const auto echo = GENERATE(values<std::string>({
      "hunter2secret",
      "YWxpY2U6aHVudGVyMnNlY3JldA==",
  }));
  std::string answer = "HTTP/1.1 " + place;
  answer.replace(answer.find('*'), 1, echo);
  CAPTURE(answer);
  const std::string text = error_of(run("gcr.io:443", kAlice, answer)).text;
  CHECK_THAT(text, !Contains("unter2") && !Contains("WxpY2U6"));
}

TEST_CASE("a password that looks like the beginning of advice is not repeated either") {
  const Credentials credentials{"u", Secret("open - sesame")};
  for (const char* answer : {"503 open - sesame\r\nContent-Length: 0\r\n\r\n",
                             "503 No\r\nX-Squid-Error: open - sesame\r\n\r\n",
                             "503 No\r\n\r\nunknown open - sesame here\n"}) {
    CAPTURE(answer);
    const auto outcome = run("gcr.io:443", credentials, std::string("HTTP/1.1 ") + answer);
    CHECK_THAT(error_of(outcome).text, !Contains("sesame"));
  }
}

TEST_CASE("a password that is cut off by the end of a refusal's body is not repeated either") {
  const Credentials credentials{"alice", Secret("hunter2-secret")};
  for (const char* body : {"\r\nunknown hunter2-s", "Content-Length: 17\r\n\r\nunknown hunter2-s",
                           "Content-Length: 12\r\n\r\nunknown hunter2-secret\n"}) {
    CAPTURE(body);
    const auto outcome = run("gcr.io:443", credentials, std::string("HTTP/1.1 503 No\r\n") + body);
    const auto& failure = outcome.error ? outcome.error : outcome.at_eof;
    REQUIRE(failure);
    CHECK_THAT(failure->text, !Contains("hunt"));
  }
}

TEST_CASE("a refusal is known with its head, and waits only for a text that may tell more") {
  const auto refused = [](const std::string& answer) {
    const HostPort target = *HostPort::parse("gcr.io:443");
    const auto handshake = make_http_connect_handshake(target, std::nullopt, "");
    return handshake->consume("HTTP/1.1 " + answer) && handshake->is_refused();
  };
  CHECK(refused("503 No\r\n\r\n"));
  CHECK(refused("503 No\r\nContent-Length: 9\r\n\r\nno text"));
  CHECK_FALSE(refused("503 No\r\nContent-Length: 0\r\n\r\n"));
  CHECK_FALSE(refused("503 No\r\nContent-Length: 9\r\n\r\nno text.."));
  CHECK_FALSE(refused("503 No\r\nContent-Length: 9\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n"));
  CHECK_FALSE(refused("503 No\r\nContent-Type: text/html\r\n\r\n"));
  CHECK_FALSE(refused("407 No\r\n\r\n"));
  CHECK_FALSE(refused("302 No\r\n\r\n"));
  CHECK_FALSE(refused("408 No\r\n\r\n"));
  CHECK_FALSE(refused("200 OK\r\n\r\n"));
}
