// Clients that speak SOCKS on the port where others speak HTTP.
#include "session/socks_client.h"

#include <string>

#include "support/catch.h"
#include "support/cuts.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const std::string kGranted4 = "\0\x5a\0\0\0\0\0\0"s;
const std::string kRequest4a = "\4\1\1\xbb\0\0\0\1\0gcr.io\0"s;

std::string refused_with(char code) { return "\5"s + code + "\0\1\0\0\0\0\0\0"s; }

}  // namespace

TEST_CASE("a SOCKS5 client gets a tunnel to a name that stays a name") {
  const Pace client_pace = GENERATE(from_range(kPaces));
  Scene scene(client_pace);
  scene.client.sends(kSocks5Greeting)
      .expects(kSocks5Welcome)
      .sends(kSocks5Request)
      .expects(kSocks5Granted)
      .sends("question")
      .expects("answer")
      .ends()
      .expects_end();
  scene.upstream.expects("question").sends("answer").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.transport->requested() == std::vector<std::string>{"gcr.io:443"});
  CHECK_THAT(scene.access_text(), Contains(" method=SOCKS5 target=gcr.io:443 "));
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok stage=tunnel status=200 "));
}

TEST_CASE("a SOCKS client need not wait for replies") {
  Scene scene;
  const bool version5 = GENERATE(true, false);
  scene.client.sends(version5 ? kSocks5Greeting + kSocks5Request + "early" : kRequest4a + "early")
      .expects(version5 ? kSocks5Welcome + kSocks5Granted : kGranted4)
      .ends()
      .expects_end();
  scene.upstream.expects("early").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(version5 ? "method=SOCKS5" : "method=SOCKS4"));
}

TEST_CASE("the reason that SOCKS has no room for stands in the log") {
  Scene scene;
  scene.add(socks5());
  answer_greeting(scene.upstream).expects(kSocks5Request).sends(kSocks5Refused);
  scene.client.sends(kSocks5Greeting + kSocks5Request)
      .expects(kSocks5Welcome + refused_with(5))
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains("outcome=connection_refused"));
  CHECK_THAT(scene.access_text(), Contains("says gcr.io:443 refused the connection"));
}

TEST_CASE("a SOCKS client that is not admitted is told so") {
  Scene scene;
  scene.peer = HostPort::parse("192.0.2.9:50001").value();
  scene.client.sends(kSocks5Greeting + kSocks5Request)
      .expects(kSocks5Welcome + refused_with(2))
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.dials() == 0);
}

TEST_CASE("a SOCKS client's mistake is answered and logged") {
  Scene scene;
  scene.client.sends("\5\1\0\5\3\0\1\0\0\0\0\0\0"s)
      .expects(kSocks5Welcome + refused_with(7))
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.log_text(), Contains("asked for SOCKS UDP ASSOCIATE"));
  CHECK_THAT(scene.access_text(), Contains("outcome=method_not_implemented stage=head"));
}

TEST_CASE("a SOCKS client that goes away is let go, at each byte of its handshake") {
  const std::string all = kSocks5Greeting + kSocks5Request;
  const std::size_t size = GENERATE_COPY(range(std::size_t{1}, all.size()));
  Scene scene;
  scene.client.sends(all.substr(0, size)).ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains("outcome=canceled stage=head"));
  CHECK_THAT(scene.access_text(), Contains("closed within the SOCKS handshake"));
}

TEST_CASE("a SOCKS handshake has the time of a request's head") {
  Scene scene;
  scene.client.sends(kSocks5Greeting).expects(kSocks5Welcome);
  scene.start();
  settle(scene.loop, 20);
  scene.clock.advance(scene.config.header_timeout + 1ms);
  settle(scene.loop, 20);
  scene.client.expects(refused_with(1)).ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains("outcome=http_request_timeout"));
}

TEST_CASE("a drain answers a SOCKS client that has begun") {
  Scene scene;
  scene.client.sends(kSocks5Greeting).expects(kSocks5Welcome).sends(kSocks5Request);
  scene.client.expects(refused_with(1)).expects_end().ends();
  scene.start(Admission::draining);
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.dials() == 0);
}

// ---- clients that have to sign in

namespace {

bool is_s3cret(const Secret& password, const Secret&) { return password.reveal() == "s3cret"; }

struct PasswordScene : Scene {
  explicit PasswordScene(Pace pace = {}) : Scene(pace) {
    std::vector<std::string> problems;
    config.users = std::make_shared<const PasswordFile>(PasswordFile::parse(
        "alice:$5$rounds=1000$salt$CCvcOM6b7TEJDPb37Aec/9UpOg4QhPNAxPpL9ZzjTB7", problems));
    matches = is_s3cret;
  }
};

const std::string kPasswordGreeting = "\5\2\0\2"s;
const std::string kPasswordWelcome = "\5\2"s;
const std::string kAlice = "\1\5alice\6s3cret"s;

}  // namespace

TEST_CASE("a SOCKS5 client signs in with user and password") {
  const Pace pace = GENERATE(from_range(kPaces));
  const bool waits = GENERATE(true, false);
  PasswordScene scene(pace);
  if (waits) {
    scene.client.sends(kPasswordGreeting)
        .expects(kPasswordWelcome)
        .sends(kAlice)
        .expects("\1\0"s)
        .sends(kSocks5Request)
        .expects(kSocks5Granted)
        .sends("question");
  } else {
    scene.client.sends(kPasswordGreeting + kAlice + kSocks5Request + "question")
        .expects(kPasswordWelcome + "\1\0"s + kSocks5Granted);
  }
  scene.client.expects("answer").ends().expects_end();
  scene.upstream.expects("question").sends("answer").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" method=SOCKS5 target=gcr.io:443 ") &&
                                      Contains(" user=alice ") && !Contains("s3cret"));
}

TEST_CASE("a SOCKS client that does not sign in is refused") {
  struct Case {
    std::string sent;
    std::string answer;
  };
  const auto test = GENERATE(
      Case{kSocks5Greeting, "\5\xff"}, Case{kRequest4a, "\0\x5b\0\0\0\0\0\0"s},
      Case{kPasswordGreeting + "\1\5alice\5wrong", kPasswordWelcome + "\1\1"},
      Case{kPasswordGreeting + "\1\3bob\6s3creT" + kSocks5Request, kPasswordWelcome + "\1\1"});
  const Pace pace = GENERATE(from_range(kPaces));
  PasswordScene scene(pace);
  scene.client.sends(test.sent);
  scene.start();
  REQUIRE(turn_until(
      scene.loop, [&] { return scene.finished > 0; }, 60s));
  CHECK(scene.client.received() == test.answer);
  CHECK(scene.client.received_end());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains(" method=SOCKS") &&
                                      Contains(" outcome=proxy_auth_required ") &&
                                      !Contains("user="));
}

TEST_CASE("a SOCKS client whose address may not come in is not asked for its password") {
  PasswordScene scene;
  scene.peer = HostPort::parse("192.0.2.1:5").value();
  scene.config.allow_clients = {*Cidr::parse("10.0.0.0/8")};
  scene.client.sends(kPasswordGreeting + kAlice);
  scene.start();
  REQUIRE(turn_until(
      scene.loop, [&] { return scene.finished > 0; }, 60s));
  CHECK(scene.client.received() == kPasswordWelcome + "\1\1");
  CHECK_THAT(scene.access_text(), Contains(" outcome=http_request_denied "));
}

TEST_CASE("a SOCKS client that is gone before its verdict") {
  PasswordScene scene;
  scene.client.sends(kPasswordGreeting + kAlice).resets();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(), Contains(" outcome=canceled ") && Contains(" closed_by=client"));
}
