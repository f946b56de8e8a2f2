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

Error error_of(const Outcome& outcome) {
  REQUIRE(outcome.error);
  CHECK(outcome.error->text.size() <= 190);
  for (const char c : outcome.error->text) CHECK((c >= ' ' && c <= '~'));
  return *outcome.error;
}

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
  }));
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
  CHECK_THAT(error_of(run("HTTP/1.1 200 OK\r\n" + fields + "A : b\r\n\r\n")).text,
             Contains("malformed answer: a field name contains white space"));
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
      {"\r\nHTTP/1.1 200 OK\r\n\r\n", "did not answer in HTTP"},
      {"HTTP/2 200\r\n\r\n", "malformed answer: the HTTP version"},
      {"HTTP/1.1 200 OK\n\n", "malformed answer: a line ends in LF without CR"},
      {"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "malformed answer: a field name contains white space"},
      {"HTTP/1.1 20 OK\r\n\r\n", "malformed answer: the status code"},
      {"HTTP/1.1 200 OK\r\nA: b\rHTTP/1.1 200 OK\r\n\r\n", "a CR stands without LF"},
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
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  CHECK(error_of(run(interim)).code == Errc::upstream_protocol_error);
}

TEST_CASE("a closed connection is named by how far the answer came") {
  CHECK(run("").at_eof->text == "closed the connection instead of answering for gcr.io:443");
  CHECK_THAT(run("HTTP/1.1 200 OK\r\n").at_eof->text, Contains("in the middle of its answer"));
  CHECK_THAT(run("HT").at_eof->text, Contains("did not answer in HTTP"));
  CHECK(run("HTTP/1.1 100 Continue\r\n\r\n").at_eof->code == Errc::connection_terminated);
}
