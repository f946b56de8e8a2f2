// One request beyond the proxy.
#include "check/fetch.h"

#include <string>

#include "support/catch.h"
#include "support/check_way.h"

using namespace culvert;
using namespace culvert::test;

using Stage = Fetched::Stage;

namespace {

Fetched get(ScriptedWay& way, const std::string& url, const std::string& bearer = {}) {
  FetchRequest request{.link = Link::parse(url).value(), .authorization = Secret(bearer)};
  request.most_body = 100;
  const auto context = trusting_context();
  Fetched fetched = fetch(way, *context, request);
  CHECK(way.all_closed());
  return fetched;
}

std::string plain_answer(const std::string& bytes) {
  ScriptedWay way;
  way.serve_plainly("a.example:80", [&](const std::string&) { return bytes; });
  const Fetched fetched = get(way, "http://a.example/");
  return fetched.ok() ? fetched.body : "failed";
}

}  // namespace

TEST_CASE("a request over TLS: head, answer, certificate") {
  ScriptedWay way;
  way.serve("a.example:443",
            [](const std::string&) { return http_answer("200 All Well", "body", "X-A: 1\r\n"); });
  const Fetched fetched = get(way, "https://a.example/path?q", "Bearer hush");
  REQUIRE(fetched.ok());
  CHECK(fetched.status == 200);
  CHECK(fetched.reason == "All Well");
  CHECK(fetched.field("x-a") == "1");
  CHECK(fetched.body == "body");
  CHECK(fetched.certificate.verdict == CertificateFacts::Verdict::accepted);
  CHECK(fetched.certificate.names == "a.example");
  CHECK(fetched.rule == "default");
  CHECK(fetched.upstream == &way.tunnel());
  REQUIRE(way.requests.size() == 1);
  CHECK(way.requests[0] ==
        "a.example:443 GET /path?q HTTP/1.1\r\nHost: a.example\r\nUser-Agent: culvert-check\r\n"
        "Accept-Encoding: identity\r\nAccept: */*\r\nAuthorization: Bearer hush\r\nConnection: "
        "close\r\n\r\n");
  CHECK(way.purposes[0] == DialPurpose::tunnel);
}

TEST_CASE("a plain request goes to an HTTP proxy itself, with its password") {
  ScriptedWay way;
  way.tunnel().config.kind = UpstreamConfig::Kind::http;
  way.tunnel().authorization = Secret("Basic dTpw");
  way.serve_plainly("a.example:8080", [](const std::string&) { return http_answer("200 OK"); });
  const Fetched fetched = get(way, "http://a.example:8080/x");
  REQUIRE(fetched.ok());
  CHECK(fetched.absolute);
  CHECK(way.purposes[0] == DialPurpose::forward);
  CHECK(way.requests[0] ==
        "a.example:8080 GET http://a.example:8080/x HTTP/1.1\r\nHost: a.example:8080\r\n"
        "User-Agent: culvert-check\r\nAccept-Encoding: identity\r\nAccept: "
        "*/*\r\nProxy-Authorization: Basic dTpw\r\n"
        "Connection: close\r\n\r\n");
}

TEST_CASE("each way of framing a body is read, and no more of it than is wanted") {
  CHECK(plain_answer("HTTP/1.1 103 Early\r\n\r\n" + http_answer("200 OK", "x")) == "x");
  CHECK(plain_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n") == "abcde");
  CHECK(plain_answer(http_answer("200 OK", std::string(5000, 'x'))).size() == 100);
  CHECK(plain_answer("HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x')).size() == 100);
  CHECK(plain_answer("HTTP/1.1 204 No\r\n\r\n").empty());
  CHECK(plain_answer("SSH-2.0-x\r\n") == "failed");
  CHECK(plain_answer("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n") ==
        "failed");
  CHECK(plain_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n") == "failed");
}

TEST_CASE("what fails says at which stage") {
  ScriptedWay way;
  way.serve_plainly("dead.example:443", nullptr).dead = true;
  way.serve_plainly("plain.example:443", [](const std::string&) {
    return std::string("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  });
  way.serve("other.example:443", authority().issue("b.example"), nullptr);
  CHECK(get(way, "https://none.example/").stage == Stage::dial);
  const Fetched dead = get(way, "https://dead.example/");
  CHECK(dead.stage == Stage::tls);
  CHECK(dead.first_bytes.empty());
  const Fetched plain = get(way, "https://plain.example/");
  CHECK(plain.stage == Stage::tls);
  CHECK(plain.answered_tls_in_http());
  way.serve_plainly("bare.example:443", [](const std::string&) { return "<!DOCTYPE HTML>"; });
  CHECK(get(way, "https://bare.example/").answered_tls_in_http());
  CHECK(get(way, "https://other.example/").certificate.verdict ==
        CertificateFacts::Verdict::wrong_name);
  way.serve_plainly("dead.example:80", nullptr).dead = true;
  const Fetched mute = get(way, "http://dead.example/");
  CHECK(mute.stage == Stage::http);
  CHECK(mute.error->text == "closed the connection without an answer");
}

TEST_CASE("a host that says nothing is not waited for beyond the time of the check") {
  ScriptedWay way;
  way.serve_plainly("mute.example:80", nullptr).silent = true;
  way.serve_plainly("mute.example:443", nullptr).silent = true;
  way.turns = 3;
  // The timer of each stage would last for longer.
  const Fetched plain = get(way, "http://mute.example/");
  CHECK(plain.given_up);
  CHECK(plain.stage == Stage::http);
  const Fetched tls = get(way, "https://mute.example/");
  CHECK(tls.given_up);
  CHECK(tls.stage == Stage::tls);
  CHECK_FALSE(way.loop().busy());
}

TEST_CASE("a host that says nothing is given up after the time of the stage") {
  ManualClock clock;
  ScriptedWay way(&clock);
  way.serve_plainly("mute.example:80", nullptr).silent = true;
  way.serve_plainly("mute.example:443", nullptr).silent = true;
  const Fetched plain = get(way, "http://mute.example/");
  CHECK(plain.timed_out);
  CHECK(plain.error->text == "gave no answer in 15.0 s");
  const Fetched tls = get(way, "https://mute.example/");
  CHECK(tls.timed_out);
  CHECK(tls.stage == Stage::tls);
}
