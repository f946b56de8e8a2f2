// The steps of sessions that are traced.
#include <memory>
#include <string>
#include <vector>

#include "base/text.h"
#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

using Texts = std::vector<std::string>;

struct TracedScene : Scene {
  explicit TracedScene(std::string_view target = "*") {
    std::vector<std::string> problems;
    traces.add(std::make_shared<TraceOrder>(parse_target_patterns(target, problems), 1,
                                            [this](const TraceStep& step, Log&) { take(step); }));
    REQUIRE(problems.empty());
  }
  ~TracedScene() { CHECK_THAT(all(), !Contains("hush") && !Contains("aHVzaA")); }
  void take(const TraceStep& step) {
    CHECK(step.session == 7);
    CHECK(!last);
    last = step.last;
    steps.push_back(step.text);
  }
  std::string all() const {
    std::string out;
    for (const std::string& step : steps) out += step + "\n";
    return out;
  }

  Texts steps;
  bool last = false;
};

UpstreamConfig named(std::string name, UpstreamConfig config) {
  config.name = std::move(name);
  return config;
}

}  // namespace

TEST_CASE("the steps of a tunnel through SOCKS5 with a password") {
  TracedScene scene;
  scene.add(named("tunnel", socks5_as("bob", "hush")));
  scene.client.sends(
      "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n"
      "Proxy-Authorization: Basic aHVzaDpodXNo\r\n\r\nping");
  scene.client.expects(std::string(kEstablished) + "pong").ends().expects_end();
  scene.upstream.expects("\x05\x01\x02"s).sends("\x05\x02"s);
  scene.upstream
      .expects(
          "\x01\x03"
          "bob\x04hush"s)
      .sends("\x01\x00"s);
  grant(scene.upstream).expects("ping").sends("pong").expects_end().ends();
  scene.start();
  const bool over = scene.run();
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CAPTURE(scene.steps);
  REQUIRE(over);
  CHECK(scene.steps ==
        Texts{"request of 127.0.0.1:50001:\nCONNECT gcr.io:443 HTTP/1.1\nHost: gcr.io:443\n"
              "Proxy-Authorization: (not shown)",
              "goes by default to tunnel", "trying tunnel", "sent to tunnel: the greeting, 3 bytes",
              "tunnel answered the greeting: 05 02", "sent to tunnel: the authentication",
              "tunnel answered the authentication: 01 00", "sent to tunnel: the request, 13 bytes",
              "tunnel answered the request: 05 00 00 01 00 00 00 00 00 00",
              "tunnel has connected: connect 0 ms, handshake 0 ms",
              "the tunnel stands, and its client knows", "the first bytes came back",
              "the client sends no more, and the upstream knows",
              "the upstream sends no more, and the client knows",
              "outcome ok, ended by client; 4 bytes up, 4 down", "the session is over"});
  CHECK(scene.last);
}

TEST_CASE("a SOCKS5 proxy that repeats the password is shown without it") {
  TracedScene scene;
  scene.add(named("tunnel", socks5_as("bob", "hush")));
  scene.client.sends(std::string(kConnect)).expects_end();
  scene.upstream.expects("\x05\x01\x02"s).sends("\x05\x02"s);
  scene.upstream.expects(
      "\x01\x03"
      "bob\x04hush"s);
  scene.upstream.sends("\x01\x01hush"s);
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.all(), Contains("tunnel answered the authentication: 01 01\n"));
}

TEST_CASE("the steps of a tunnel that an HTTP proxy refuses") {
  TracedScene scene("gcr.io");
  scene.add(named("corp", http_as("bob", "hush")));
  scene.client.sends(std::string(kConnect)).expects_end();
  scene.upstream.sends("HTTP/1.1 403 no, hush\r\nSet-Cookie: hush\r\nContent-Length: 0\r\n\r\n");
  scene.start();
  REQUIRE(scene.run());
  REQUIRE(scene.steps.size() == 9);
  CHECK(scene.steps[3] ==
        "sent to corp:\nCONNECT gcr.io:443 HTTP/1.1\nHost: gcr.io:443\n"
        "Proxy-Authorization: (not shown)");
  CHECK(scene.steps[4] == "corp answered:\n***\nSet-Cookie: (not shown)\nContent-Length: 0");
  CHECK_THAT(scene.steps[5], Catch::Matchers::StartsWith("corp: "));
  CHECK_THAT(scene.steps[6], Catch::Matchers::StartsWith("answered with 403 (upstream_denied): "));
  CHECK_THAT(scene.steps[7], Catch::Matchers::StartsWith("outcome upstream_denied, ended by "));
  CHECK(scene.last);
}

TEST_CASE("a session to another target has no steps") {
  TracedScene other("quay.io");
  other.client.sends(std::string(kConnect)).ends();
  other.upstream.expects_end().ends();
  other.start();
  REQUIRE(other.run());
  CHECK(other.steps.empty());
  CHECK(other.traces.wants());
}

TEST_CASE("the steps of plain requests on one connection") {
  TracedScene scene("a.example");
  scene.add(named("out", direct()));
  scene.client.sends(
      "GET http://a.example/x?token=hush HTTP/1.1\r\nHost: a.example\r\n"
      "Authorization: Bearer hush\r\n\r\n"
      "GET http://a.example/y HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  scene.client.expects_end().ends();
  scene.upstream
      .expects(
          "GET /x?token=hush HTTP/1.1\r\nHost: a.example\r\nAuthorization: Bearer hush\r\n"
          "Via: 1.1 culvert-test\r\n\r\n")
      .sends("HTTP/1.1 204 No Content\r\nSet-Cookie: hush\r\n\r\n")
      .expects("GET /y HTTP/1.1\r\nHost: a.example\r\nVia: 1.1 culvert-test\r\n\r\n")
      .sends("HTTP/1.1 204 No Content\r\n\r\n");
  scene.start();
  REQUIRE(scene.run());
  const std::string all = scene.all();
  CHECK_THAT(all, Contains("GET http://a.example/x?... HTTP/1.1\n") &&
                      Contains("sent through out:\nGET /x?... HTTP/1.1\n") &&
                      Contains("the target answered:\nHTTP/1.1 204 No Content\n"
                               "Set-Cookie: (not shown)\n") &&
                      Contains("outcome ok, ended by client; 0 bytes up, 0 down\nrequest of ") &&
                      Contains("sent on the connection of the request before, through out:\n"
                               "GET /y HTTP/1.1\n"));
  CHECK(scene.last);
}

TEST_CASE("a tunnel that runs is followed from then on") {
  TracedScene scene("quay.io");
  scene.add(named("out", direct()));
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).sends("ping");
  scene.upstream.expects("ping").sends("pong!");
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return scene.client.received().ends_with("pong!"); }));
  CHECK(scene.steps.empty());
  scene.session->follow_trace(std::make_shared<TraceOrder>(
      std::vector<TargetPattern>{}, 1, [&](const TraceStep& step, Log&) { scene.take(step); }));
  CHECK(scene.steps == Texts{"CONNECT gcr.io:443 of 127.0.0.1:50001 through out, begun 0.0 s ago, "
                             "now moving; 4 bytes up, 5 down, nothing more for 0.0 s"});
  scene.client.ends();
  scene.upstream.expects_end().ends();
  REQUIRE(scene.run());
  CHECK(scene.steps.size() == 5);
  CHECK(scene.last);
}

TEST_CASE("a session that is destroyed while it is traced") {
  TracedScene scene;
  scene.client.sends(std::string(kConnect));
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return scene.steps.size() > 2; }));
  scene.session->abort("for the test");
  CHECK(scene.last);
}
