// Plain requests whose upstream granted a connection, or took one, and ended it unanswered.
#include <array>
#include <deque>

#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string kGet = "GET http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\nConnection: close\r\n\r\n";
const std::string kPost =
    "POST http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\nContent-Length: 1\r\n\r\nx";
const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
const std::string kQuestion =
    "OPTIONS * HTTP/1.1\r\nHost: proxy.example:1080\r\nMax-Forwards: 0\r\nConnection: close\r\n"
    "\r\n";

struct Exchanged {
  /// The next connection: a SOCKS5 server that grants gcr.io:80.
  Peer& grants() {
    Peer& peer = connection();
    return answer_greeting(peer)
        .expects("\x05\x01\x00\x03\x06gcr.io\x00\x50"s)
        .sends(kSocks5Granted);
  }
  Peer& connection() {
    Peer& peer = peers.emplace_back(scene.loop);
    scene.transport->connects(peer);
    return peer;
  }
  Answer ask(const std::string& request) {
    scene.client.sends(request);
    scene.start();
    return scene.answer();
  }

  /// The status of a target's answer.
  int status_of(const std::string& request) {
    scene.client.sends(request);
    scene.start();
    REQUIRE(scene.run());
    return parse_answer(scene.client.received()).status;
  }

  Scene scene;
  std::deque<Peer> peers;
};

void end(Peer& peer, bool reset) { reset ? peer.resets() : peer.ends(); }

/// A request that is under way ends without an answer of its upstream's, and nothing is left of it.
void end_in_each_way(Scene& scene) {
  SECTION("its client is gone") {
    scene.client.resets();
    REQUIRE(scene.run());
    CHECK_THAT(scene.access_text(), Contains(" outcome=canceled "));
  }
  SECTION("we are aborted") {
    scene.session->abort("told to");
    REQUIRE(scene.run());
    CHECK(parse_answer(scene.client.received()).status == 503);
  }
  SECTION("it is destroyed") { scene.end_session(); }
  CHECK(scene.transport->alive() == 0);
}

}  // namespace

TEST_CASE("a plain request that was granted too early blames the upstream") {
  Exchanged exchanged;
  Upstream& upstream = exchanged.scene.add(socks5());
  const bool reset = GENERATE(true, false);
  Peer& peer = exchanged.grants();
  exchanged.scene.client.sends(GENERATE_COPY(kGet, kPost));
  exchanged.scene.start();
  settle(exchanged.scene.loop);
  end(peer, reset);
  const Answer answer = exchanged.scene.answer();
  CHECK(answer.status == 502);
  CHECK_THAT(
      answer.reason,
      StartsWith("culvert: upstream socks5://proxy.example:1080 granted the connection and " +
                 (reset ? "reset"s : "closed"s) +
                 " it before the first byte (for gcr.io:80) - it may say yes before it has "
                 "connected, or the target closed it"));
  CHECK(answer.reason.size() <= 200);
  CHECK(answer.reason.find("first byte") < 110);
  CHECK(upstream.health->early_grants() == 1);
  CHECK_THAT(exchanged.scene.access_text(),
             Contains(" outcome=connection_terminated ") && Contains(" closed_by=upstream "));
  CHECK_THAT(exchanged.scene.log_text(), Contains("said yes and closed before its first byte"));
}

TEST_CASE("one that may be sent twice is sent through another upstream") {
  Exchanged exchanged;
  exchanged.scene.add(socks5());
  exchanged.scene.add(socks5());
  end(exchanged.grants(), GENERATE(true, false));
  exchanged.grants().sends(kAnswer);
  CHECK(exchanged.status_of(kGet) == 200);
  CHECK(exchanged.scene.dials() == 2);
  CHECK_THAT(exchanged.scene.access_text(),
             Contains(" outcome=ok ") &&
                 Contains("attempts failed: upstream socks5://proxy.example:1080 granted"));
}

TEST_CASE("one that may not be sent twice is not") {
  Exchanged exchanged;
  exchanged.scene.add(socks5());
  exchanged.scene.add(socks5());
  exchanged.grants().ends();
  CHECK(exchanged.ask(kPost).status == 502);
  CHECK(exchanged.scene.dials() == 1);
}

TEST_CASE("each upstream gets it once, and within --connect-timeout") {
  Exchanged exchanged;
  exchanged.scene.add(socks5());
  exchanged.scene.add(socks5());
  exchanged.scene.config.connect_timeout = 5s;
  exchanged.scene.config.response_timeout = 60s;
  Peer& first = exchanged.grants();
  const bool late = GENERATE(true, false);
  if (!late) exchanged.grants().ends();
  exchanged.scene.client.sends(kGet);
  exchanged.scene.start();
  turn_for(exchanged.scene.loop, late ? 5'000ms : 4'900ms);
  first.ends();
  CHECK(exchanged.scene.answer().status == 502);
  CHECK(exchanged.scene.dials() == (late ? 1 : 2));
}

TEST_CASE("a second upstream that refuses is what is reported, and both are logged") {
  Exchanged exchanged;
  exchanged.scene.add(socks5());
  exchanged.scene.add(socks5());
  exchanged.grants().ends();
  exchanged.scene.transport->fails(ECONNREFUSED);
  CHECK_THAT(exchanged.ask(kGet).reason, Contains("refused the connection"));
  CHECK_THAT(exchanged.scene.access_text(), Contains("granted the connection and closed it"));
}

TEST_CASE("while it is sent through another upstream it can end") {
  Exchanged exchanged;
  exchanged.scene.add(socks5());
  exchanged.scene.add(socks5());
  exchanged.grants().ends();
  exchanged.scene.transport->hangs();
  exchanged.scene.client.sends(kGet);
  exchanged.scene.start();
  settle(exchanged.scene.loop);
  REQUIRE(exchanged.scene.dials() == 2);
  end_in_each_way(exchanged.scene);
}

TEST_CASE("a kept connection that ends says nothing about an early grant") {
  Exchanged exchanged;
  Upstream& upstream = exchanged.scene.add(socks5());
  Peer& kept = exchanged.grants();
  exchanged.grants().sends(kAnswer);
  kept.sends(kAnswer);
  const std::string get = "GET http://gcr.io/ HTTP/1.1\r\nHost: gcr.io\r\n\r\n";
  exchanged.scene.client.sends(get);
  exchanged.scene.start();
  settle(exchanged.scene.loop);
  exchanged.scene.client.sends(get);
  kept.ends();
  settle(exchanged.scene.loop);
  CHECK(exchanged.scene.dials() == 2);
  CHECK(upstream.health->early_grants() == 0);
  exchanged.scene.client.ends();
  REQUIRE(exchanged.scene.run());
}

TEST_CASE("a plain request that waits in vain says what its upstream has done lately") {
  Exchanged exchanged;
  Upstream& upstream = exchanged.scene.add(socks5());
  upstream.health->early_grant("other.test:80", exchanged.scene.loop.now());
  exchanged.scene.config.response_timeout = 5s;
  exchanged.grants();
  CHECK_THAT(exchanged.ask(kGet).reason,
             Contains("did not answer within 5.0 s - it has said yes too early 1 time lately"));
}

TEST_CASE("an HTTP proxy that ends a plain request unanswered may not be there") {
  Exchanged exchanged;
  exchanged.scene.add(http());
  exchanged.scene.config.hold = 12s;
  const bool reset = GENERATE(true, false);
  end(exchanged.connection(), reset);
  Peer& first_question = exchanged.connection();
  SECTION("it comes") {
    first_question.expects(kQuestion);
    end(first_question, reset);
    end(exchanged.connection(), reset);  // asked in SOCKS5
    Peer& second_question = exchanged.connection();
    second_question.expects(kQuestion).sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    exchanged.connection().sends(kAnswer);
    CHECK(exchanged.status_of(kGet) == 200);
    CHECK(exchanged.scene.dials() == 5);
    CHECK_THAT(exchanged.scene.access_text(), Contains(" outcome=ok "));
    CHECK(second_question.closed());
  }
  SECTION("it does not come") {
    exchanged.scene.config.connect_timeout = 600ms;
    end(first_question, reset);
    for (int i = 0; i < 5; ++i) end(exchanged.connection(), reset);
    const Answer answer = exchanged.ask(kGet);
    CHECK(answer.status == 502);
    CHECK_THAT(answer.reason, Contains("nothing may be behind its port") &&
                                  Contains("(for gcr.io:80) - waited 0.5 s for the program"));
  }
  SECTION("its port is closed by now") {
    exchanged.scene.config.hold = 0ms;
    end(first_question, true);
    end(exchanged.connection(), true);
    CHECK_THAT(exchanged.ask(kGet).reason, Contains("nothing may be behind its port"));
  }
  SECTION("it is there, and does the same to the request once more") {
    first_question.expects(kQuestion).sends("HTTP/1.1 200 OK\r\n\r\n");
    end(exchanged.connection(), reset);
    CHECK_THAT(exchanged.ask(kGet).reason, Contains("closed the connection without an answer"));
    CHECK(exchanged.scene.dials() == 3);
  }
  SECTION("it is there, and has no answer to the question") {
    exchanged.connection().sends(kAnswer);
    CHECK(exchanged.status_of(kGet) == 200);
    CHECK(exchanged.scene.dials() == 3);
  }
}

TEST_CASE("a proxy that worked on a plain request for long is there, and gets it once") {
  Exchanged exchanged;
  exchanged.scene.add(http());
  exchanged.scene.config.response_timeout = 60s;
  Peer& first = exchanged.connection();
  const bool late = GENERATE(true, false);
  if (!late) exchanged.connection().ends();  // the question
  if (!late) exchanged.connection().ends();
  exchanged.scene.client.sends(kGet);
  exchanged.scene.start();
  turn_for(exchanged.scene.loop, late ? 5'100ms : 4'900ms);
  first.ends();
  CHECK(exchanged.scene.answer().status == 502);
  CHECK((exchanged.scene.dials() == 1) == late);
}

TEST_CASE("a request that may not be sent twice is not held") {
  Exchanged exchanged;
  exchanged.scene.add(http());
  exchanged.scene.config.hold = 12s;
  exchanged.connection().ends();
  CHECK_THAT(exchanged.ask(kPost).reason, Contains("closed the connection without an answer"));
  CHECK(exchanged.scene.dials() == 1);
}

TEST_CASE("while the port is asked a request can end") {
  Exchanged exchanged;
  exchanged.scene.add(http());
  exchanged.connection().ends();
  const bool connected = GENERATE(true, false);
  if (connected) {
    exchanged.connection();
  } else {
    exchanged.scene.transport->hangs();
  }
  exchanged.scene.client.sends(kGet);
  exchanged.scene.start();
  settle(exchanged.scene.loop);
  REQUIRE(exchanged.scene.dials() == 2);
  end_in_each_way(exchanged.scene);
  for (const Peer& peer : exchanged.peers) CHECK_FALSE(peer.open());
}
