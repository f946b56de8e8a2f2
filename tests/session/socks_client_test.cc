// Clients that speak SOCKS on the port where others speak HTTP.
#include "session/socks_client.h"

#include <cerrno>
#include <string>
#include <utility>

#include "support/catch.h"
#include "support/client_hello.h"
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

TEST_CASE("a SOCKS client is refused as a CONNECT is, with the code of the reason") {
  Scene scene;
  scene.add(direct());
  Admission admission = Admission::serve;
  char code = 1;
  const char* outcome = "";
  SECTION("denied by a route") {
    RoutingTable table;
    table.otherwise = {{}, "--route *=deny"};
    scene.router.emplace(std::move(table));
    code = 2;
    outcome = "outcome=http_request_denied stage=route status=403";
  }
  SECTION("drained") {
    admission = Admission::draining;
    outcome = "outcome=proxy_draining stage=route status=503";
  }
  SECTION("full") {
    admission = Admission::full;
    outcome = "outcome=connection_limit_reached stage=route status=503";
  }
  SECTION("refused by the target") {
    scene.transport->fails(ECONNREFUSED);
    code = 5;
    outcome = "outcome=connection_refused stage=dial status=502";
  }
  SECTION("without a way to the target") {
    scene.transport->fails(ENETUNREACH);
    code = 3;
    outcome = "outcome=destination_ip_unroutable stage=dial status=502";
  }
  SECTION("timed out") {
    scene.transport->fails(ETIMEDOUT);
    code = 6;
    outcome = "outcome=connection_timeout stage=dial status=504";
  }
  SECTION("unknown by name") {
    scene.transport->fails(Error{Errc::dns_error, Side::target, 0, "does not exist"});
    code = 4;
    outcome = "outcome=dns_error stage=dial status=502";
  }
  scene.client.sends(kSocks5Greeting + kSocks5Request)
      .expects(kSocks5Welcome + refused_with(code))
      .expects_end()
      .ends();
  scene.start(admission);
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(outcome));
}

TEST_CASE("our own listener is no target for a SOCKS client") {
  Scene scene;
  scene.listeners = {HostPort::parse("127.0.0.1:3128").value()};
  scene.client.sends(kSocks5Greeting + "\5\1\0\1\x7f\0\0\1\x0c\x38"s)
      .expects(kSocks5Welcome + refused_with(2))
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains("a listener of this proxy itself"));
}

TEST_CASE("an upstream that is down is no news about the target") {
  Scene scene;
  scene.config.hold = 0ms;
  scene.add(socks5());
  scene.transport->fails(ECONNREFUSED);
  scene.client.sends(kSocks5Greeting + kSocks5Request)
      .expects(kSocks5Welcome + refused_with(1))
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains("refused the connection - is the tunnel up?"));
}

TEST_CASE("a SOCKS client is granted its tunnel only when the upstream has the target") {
  Scene scene;
  scene.add(socks5());
  answer_greeting(scene.upstream).expects(kSocks5Request);
  scene.client.sends(kSocks5Greeting + kSocks5Request + "early");
  scene.start();
  settle(scene.loop, 20);
  CHECK(scene.client.received() == kSocks5Welcome);
  scene.upstream.sends(kSocks5Granted).expects("early").sends("answer").ends().expects_end();
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.upstream.verdict() == "");
  CHECK(scene.client.received() == kSocks5Welcome + kSocks5Granted + "answer");
}

TEST_CASE("a SOCKS client that half-closes early still gets its answer") {
  Scene scene(GENERATE(from_range(kPaces)));
  scene.client.sends(kRequest4a + "question").ends().expects(kGranted4 + "answer").expects_end();
  scene.upstream.expects("question").expects_end().sends("answer").ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains("outcome=ok"));
}

TEST_CASE("a SOCKS client that breaks off while its target is dialed is let go") {
  Scene scene;
  scene.add(socks5());
  scene.transport->hangs();
  scene.client.sends(kSocks5Greeting + kSocks5Request);
  scene.start();
  settle(scene.loop, 20);
  CHECK(scene.transport->alive() == 1);
  scene.client.resets(ECONNRESET);
  REQUIRE(scene.run());
  CHECK(scene.transport->alive() == 0);
  CHECK_THAT(scene.access_text(), Contains("outcome=canceled stage=dial"));
}

TEST_CASE("a SOCKS client that resets within its handshake is let go") {
  Scene scene;
  scene.client.sends(kSocks5Greeting).expects(kSocks5Welcome).resets(ECONNRESET);
  scene.start();
  REQUIRE(scene.run());
  CHECK_THAT(scene.access_text(), Contains("outcome=canceled stage=head"));
}

TEST_CASE("a cut answers a SOCKS client in the stage of its handshake") {
  const bool asked = GENERATE(false, true);
  Scene scene;
  scene.add(socks5());
  scene.transport->hangs();
  scene.client.sends(asked ? kSocks5Greeting + kSocks5Request : kSocks5Greeting);
  scene.start();
  settle(scene.loop, 20);
  scene.session->abort("told to");
  CHECK(scene.finished == 1);
  CHECK(scene.client.received() == kSocks5Welcome + refused_with(1));
  CHECK_THAT(scene.access_text(), Contains("outcome=aborted"));
}

TEST_CASE("a SOCKS client's upstreams fail over") {
  Scene scene;
  scene.add(socks5());
  scene.add(direct());
  scene.transport->fails(ECONNREFUSED).connects(scene.upstream);
  scene.client.sends(kRequest4a).expects(kGranted4).ends().expects_end();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains("upstream=direct outcome=ok") &&
                                      Contains("attempts failed: upstream socks5:"));
}

TEST_CASE("a lost tunnel of a SOCKS client ends in an EOF for Go, known by its hello") {
  const bool go = GENERATE(true, false);
  const std::string old = "\xc0\x2b\xc0\x2f\xcc\xa9\xcc\xa8"s;
  const std::string tls13 = "\x13\x01\x13\x02\x13\x03"s;
  const std::string hello = client_hello(go ? old + tls13 : tls13 + old);
  const std::string answer = "\x16\x03\x03\x00\x7a\x02\x00\x00\x76"s;
  Scene scene;
  scene.client.sends(kRequest4a + hello).expects(kGranted4 + answer);
  scene.upstream.expects(hello).sends(answer);
  scene.start();
  settle(scene.loop, 20);
  scene.upstream.resets(ECONNRESET);
  settle(scene.loop, 20);
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.client.closed_by_reset() == !go);
  CHECK(scene.client.received_end() == go);
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

TEST_CASE("a SOCKS handshake has the time of a request's head, and a reply in each stage") {
  struct Row {
    std::string sent;
    std::string got;
    std::string reply;
  };
  const auto row = GENERATE(values<Row>({
      {"\5", "", "\5\xff"s},
      {"\5\2\0"s, "", "\5\xff"s},
      {kSocks5Greeting, kSocks5Welcome, refused_with(1)},
      {kSocks5Greeting + "\5\1\0\3\6gcr"s, kSocks5Welcome, refused_with(1)},
      {"\5\1\2", "\5\2", "\1\1"},
      {"\5\1\2\1\4us", "\5\2", "\1\1"},
      {"\4\1\1\xbb"s, "", "\0\x5b\0\0\0\0\0\0"s},
      {"\4\1\1\xbb\0\0\0\1\0gcr"s, "", "\0\x5b\0\0\0\0\0\0"s},
  }));
  CAPTURE(shown(row.sent));
  Scene scene;
  scene.client.sends(row.sent);
  scene.start();
  settle(scene.loop, 20);
  CHECK(scene.client.received() == row.got);
  scene.clock.advance(scene.config.header_timeout + 1ms);
  settle(scene.loop, 20);
  scene.client.ends();
  REQUIRE(scene.run());
  CHECK(scene.client.received() == row.got + row.reply);
  CHECK_FALSE(scene.client.closed_by_reset());
  CHECK_THAT(scene.access_text(), Contains("outcome=http_request_timeout stage=head status=408"));
  CHECK(scene.dials() == 0);
}

TEST_CASE("a SOCKS client is held for an upstream that is just starting") {
  Scene scene;
  scene.config.hold = 10s;
  scene.add(socks5());
  scene.transport->fails(ECONNREFUSED).connects(scene.upstream);
  grant(answer_greeting(scene.upstream)).expects_end().ends();
  scene.client.sends(kSocks5Greeting + kSocks5Request)
      .expects(kSocks5Welcome + kSocks5Granted)
      .ends()
      .expects_end();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.dials() == 2);
}

TEST_CASE("on a connection that was kept SOCKS is a mistake") {
  Scene scene;
  scene.client.sends("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n");
  scene.upstream.sends("HTTP/1.1 204 No Content\r\n\r\n");
  scene.start();
  settle(scene.loop, 20);
  scene.client.sends(kSocks5Greeting).ends();
  scene.upstream.ends();
  REQUIRE(scene.run());
  CHECK_THAT(scene.client.received(), Contains("HTTP/1.1 400 culvert: the client spoke SOCKS"));
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

TEST_CASE("a SOCKS client that is one too many is not asked for its password") {
  PasswordScene scene;
  Admission admission = Admission::serve;
  const char* outcome = "";
  std::vector<UsageTable::Place> others;
  const UsageKey key = UsageKey::client(*scene.peer->ip);
  SECTION("full") {
    admission = Admission::full;
    outcome = " outcome=connection_limit_reached ";
  }
  SECTION("draining") {
    admission = Admission::draining;
    outcome = " outcome=proxy_draining ";
  }
  SECTION("more connections than it may have") {
    scene.config.max_connections_per_client = 1;
    others.push_back(scene.limits.usage.enter(key, 1, scene.loop.now()));
    outcome = " outcome=client_connection_limit ";
  }
  SECTION("more requests than it may have") {
    scene.config.max_requests_per_second = 1;
    others.push_back(scene.limits.usage.enter(key, 0, scene.loop.now()));
    others[0].usage()->requests.take(1, 1s, scene.loop.now());
    outcome = " outcome=request_rate_limit ";
  }
  // A wrong one, and nothing is said about it.
  scene.client.sends(kPasswordGreeting + "\1\5alice\5wrong");
  scene.start(admission);
  REQUIRE(turn_until(
      scene.loop, [&] { return scene.finished > 0; }, 60s));
  CHECK(scene.client.received() == kPasswordWelcome + "\1\1");
  CHECK_THAT(scene.access_text(), Contains(outcome) && Contains(" stage=head "));
}

TEST_CASE("sign-in and request of a SOCKS client are one request for its limit") {
  PasswordScene scene;
  scene.config.max_requests_per_second = 1;
  scene.client.sends(kPasswordGreeting + kAlice + kSocks5Request)
      .expects(kPasswordWelcome + "\1\0"s + kSocks5Granted)
      .ends()
      .expects_end();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
}

// ---- ports that serve no SOCKS

TEST_CASE("a SOCKS client at a port without SOCKS is refused in its own protocol") {
  const bool version5 = GENERATE(true, false);
  Scene scene;
  scene.listen.speaks = ListenConfig::Speaks::http_only;
  scene.client.sends(version5 ? kSocks5Greeting : kRequest4a)
      .expects(version5 ? "\5\xff" : "\0\x5b\0\0\0\0\0\0"s)
      .expects_end()
      .ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK_THAT(scene.log_text(),
             Contains("the client spoke SOCKS to ") && Contains("without http-only://"));
  CHECK_THAT(scene.access_text(), Contains("outcome=http_request_error stage=head"));
}
