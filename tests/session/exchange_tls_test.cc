// Answers over a stream that has an end of its own, as TLS does.

#include <cerrno>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/tls_server.h"

using namespace culvert;
using namespace culvert::test;
using Catch::Matchers::Contains;

namespace {

constexpr std::string_view kFields = "\r\nHost: a.example\r\n\r\n";

/// What a client receives when the target ends its response.
std::string response_to(const std::string& answer, bool close_notify, std::string_view version,
                        Scene& scene) {
  scene.client.sends("GET http://a.example/ HTTP/1." + std::string(version) + std::string(kFields));
  scene.upstream.sends("HTTP/1.1 200 OK\r\nDate: x\r\n" + answer);
  if (close_notify) {
    scene.upstream.ends();
  } else {
    scene.upstream.ends_truncated();
  }
  scene.client.ends();
  scene.start();
  REQUIRE(scene.run());
  return scene.client.received();
}

}  // namespace

TEST_CASE("RFC 9112 9.8: an answer that ends with its connection is complete with an alert only") {
  Scene scene(GENERATE(Pace{}, Pace{true, 16}), GENERATE(Pace{}, Pace{true, 16}));
  const bool close_notify = GENERATE(true, false);
  const std::string received = response_to("\r\nabc", close_notify, "1", scene);
  CHECK_THAT(received, Contains("\r\nabc\r\n"));
  CHECK(received.ends_with("0\r\n\r\n") == close_notify);
  if (close_notify) {
    CHECK_THAT(scene.access_text(), Contains(" outcome=ok "));
  } else {
    CHECK_THAT(scene.access_text(), Contains(" outcome=http_response_incomplete ") &&
                                        Contains("close_notify") && Contains("closed_by=upstream"));
  }
}

TEST_CASE("RFC 9112 9.8: an HTTP/1.0 client gets a reset") {
  Scene scene;
  const bool close_notify = GENERATE(true, false);
  CHECK(response_to("\r\nabc", close_notify, "0", scene).ends_with("\r\n\r\nabc"));
  CHECK(scene.client.closed_by_reset() != close_notify);
}

TEST_CASE("RFC 9112 9.8: a response with a length needs no alert") {
  Scene scene;
  CHECK(response_to("Content-Length: 3\r\n\r\nabc", false, "1", scene).ends_with("\r\n\r\nabc"));
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok "));
}

TEST_CASE("a TLS connection that breaks is distinguished from one that closes") {
  Scene scene;
  SECTION("before an answer") {
    scene.upstream.expects("GET / HTTP/1.1\r\nHost: a.example\r\n").resets(EPROTO);
    scene.client.sends("GET http://a.example/ HTTP/1.1" + std::string(kFields)).ends();
    scene.start();
    CHECK_THAT(scene.answer().reason, Contains("sent no answer: the TLS connection broke"));
  }
  SECTION("in a tunnel") {
    scene.upstream.resets(EPROTO);
    scene.client.sends("CONNECT a.example:443 HTTP/1.1" + std::string(kFields));
    scene.start();
    REQUIRE(scene.run());
    CHECK_THAT(scene.access_text(), Contains(" outcome=connection_terminated ") &&
                                        Contains(" detail=\"the TLS connection broke\""));
  }
}

TEST_CASE("an HTTPS proxy that wants a certificate of ours says so to a plain request, too") {
  static const TlsAuthority authority;
  Scene scene;
  Upstream& upstream = scene.add(https());
  upstream.tls = TlsClientContext::make({.ca = authority.file(), .cert = {}, .key = {}}).value();
  const TlsServer proxy(scene.upstream, make_server_context(authority.issue("proxy.example"),
                                                            {.client_ca = authority.file()}));
  scene.client.sends("GET http://a.example/ HTTP/1.1" + std::string(kFields)).ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK(answer.status == 502);
  CHECK_THAT(answer.reason, Contains("failed the TLS handshake: tlsv13 alert certificate required "
                                     "- give ?cert= and ?key="));
  CHECK_THAT(scene.access_text(), Contains(" outcome=tls_certificate_error "));
}
