// Sessions that end before their tunnel does, at each stage.

#include "net/timer.h"
#include "support/catch.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

/// A SOCKS5 server's part until the tunnel is established, and the first bytes after it.
Peer& grants(Peer& upstream, const std::string& first_words = {}) {
  return answer_greeting(upstream).expects(kSocks5Request).sends(kSocks5Granted + first_words);
}

}  // namespace

TEST_CASE("a client that resets while we dial ends the dial") {
  Scene scene;
  scene.transport->hangs();
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.transport->alive() == 1);
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK(scene.transport->alive() == 0);
  CHECK(scene.client.received() == "");
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=canceled stage=dial status=0 ") && Contains(" closed_by=client"));
}

TEST_CASE("a client that had reset before its request was read is not dialed for") {
  Scene scene;
  scene.transport->hangs();
  scene.client.sends(std::string(kConnect)).resets();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.dials() == 0);
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=canceled stage=dial status=0 ") && Contains(" closed_by=client"));
}

TEST_CASE("the time for the head is over with the head") {
  Scene scene;
  scene.config.header_timeout = 100ms;
  scene.transport->hangs();
  scene.client.sends(std::string(kConnect));
  scene.start();
  turn_for(scene.loop, 200ms);
  CHECK(scene.finished == 0);
  CHECK(scene.client.received() == "");
}

TEST_CASE("a client that resets during the upstream's handshake ends that") {
  Scene scene;
  scene.add(socks5());
  scene.upstream.sends(kSocks5Welcome);
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.upstream.open());
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK(scene.upstream.closed());
  CHECK_THAT(scene.access_text(), Contains(" outcome=canceled stage=dial "));
}

TEST_CASE("a client that ends its half while we dial still gets its tunnel") {
  const Pace pace = GENERATE(from_range(kPaces));
  Scene scene(pace, pace);
  scene.add(socks5());
  scene.client.sends(std::string(kConnect) + "all I have to say").ends();
  scene.start();
  settle(scene.loop);
  CHECK(scene.finished == 0);
  grants(scene.upstream, "the answer").expects("all I have to say").expects_end().ends();
  scene.client.expects(std::string(kEstablished) + "the answer").expects_end();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
  CHECK_THAT(scene.access_text(), Contains(" outcome=ok "));
}

TEST_CASE("a client that is gone when the upstream has connected is a canceled session") {
  Scene scene;
  scene.client.takes(0);
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.upstream.open());
  scene.client.resets();
  REQUIRE(scene.run());
  CHECK(scene.upstream.closed());
  CHECK_THAT(scene.access_text(), Contains(" outcome=canceled stage=established status=200 ") &&
                                      Contains("gone before the answer"));
}

TEST_CASE("a failed dial is answered to a client that has ended its half") {
  Scene scene;
  scene.transport->later().fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect) + "early").ends();
  scene.start();
  CHECK(scene.answer().status == 502);
}

TEST_CASE("a failed dial is answered to a client whose early data nobody wanted") {
  Scene scene;
  scene.transport->later().fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect) + std::string(100'000, 'e'));
  scene.start();
  settle(scene.loop);
  CHECK(scene.client.unread() == 0);  // or closing would be a reset, which overtakes the answer
  scene.client.ends();
  CHECK(scene.answer().status == 502);
}

TEST_CASE("a reset of one side of the tunnel is logged as that side's") {
  Scene scene;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
  scene.start();
  settle(scene.loop);
  const bool by_client = GENERATE(true, false);
  (by_client ? scene.client : scene.upstream).sends("last words").resets();
  REQUIRE(scene.run());
  Peer& survivor = by_client ? scene.upstream : scene.client;
  CHECK(survivor.received() == "last words");
  CHECK(survivor.closed_by_reset());
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=connection_terminated stage=tunnel status=200 ") &&
                 Contains(by_client ? " closed_by=client " : " closed_by=upstream ") &&
                 Contains("Connection reset by peer"));
}

TEST_CASE("an idle tunnel ends after its timeout, and logs why") {
  Scene scene;
  scene.config.idle_timeout = 30ms;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
  const auto begun = scene.loop.now();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.loop.now() - begun == 30ms);
  CHECK_THAT(scene.access_text(), Contains(" outcome=idle_timeout ") &&
                                      Contains(" closed_by=culvert ") &&
                                      Contains("--idle-timeout"));
}

TEST_CASE("a session is aborted at any stage, with one line in the log") {
  Scene scene;
  scene.add(socks5());
  std::string stage;
  bool owed = false;
  SECTION("head") {
    scene.client.sends("CONN");
    owed = true;
    stage = "head";
  }
  SECTION("connecting") {
    scene.transport->hangs();
    scene.client.sends(std::string(kConnect));
    owed = true;
    stage = "dial";
  }
  SECTION("handshake") {
    scene.client.sends(std::string(kConnect));
    scene.upstream.sends(kSocks5Welcome);
    owed = true;
    stage = "dial";
  }
  SECTION("the 200 on its way") {
    scene.client.takes(5);
    scene.client.sends(std::string(kConnect));
    grants(scene.upstream);
    stage = "established";
  }
  SECTION("tunnel") {
    scene.client.sends(std::string(kConnect) + "up");
    grants(scene.upstream, "down");
    stage = "tunnel";
  }
  SECTION("tunnel, half closed") {
    scene.client.sends(std::string(kConnect) + "up").ends();
    grants(scene.upstream, "down");
    stage = "tunnel";
  }
  SECTION("answer") {
    scene.client.takes(5);
    scene.client.sends(std::string(kConnect));
    scene.upstream.sends("\x05\xff");
    stage = "dial";  // where it failed
  }
  SECTION("linger") {
    scene.client.sends(std::string(kConnect));
    scene.upstream.sends("\x05\xff");
    stage = "dial";
  }
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.finished == 0);
  scene.session->abort("told to");
  CHECK(scene.finished == 1);
  CHECK(scene.client.closed());
  CHECK_FALSE(scene.upstream.open());
  CHECK(scene.transport->alive() == 0);
  REQUIRE(scene.run());
  // Who had been promised a tunnel is not to take what is cut off for all there was.
  if (stage == "tunnel") {
    CHECK(scene.client.closed_by_reset());
    CHECK(scene.upstream.closed_by_reset());
  }
  // And a client without a response gets the reason.
  if (owed) {
    const Answer answer = parse_answer(scene.client.received());
    CHECK(answer.status == 503);
    CHECK_THAT(answer.reason, StartsWith("culvert: shutting down, and there was no answer yet") &&
                                  EndsWith(stage == "dial" ? " from gcr.io:443" : "yet"));
    CHECK(scene.client.received_end());
    CHECK_THAT(scene.access_text(), Contains(" status=503 "));
  }
  const std::string line = scene.access_text();
  CHECK_THAT(line,
             Contains(" outcome=aborted stage=" + stage + " ") && Contains(" closed_by=culvert "));
  CHECK(std::count(line.begin(), line.end(), '\n') == 1);
}

TEST_CASE("a session is destroyed at any turn of its life, and nothing of it is left") {
  const Pace pace = GENERATE(Pace{}, Pace{true, 16}, Pace{false, 3});
  const bool reset = GENERATE(false, true);
  for (int turns = 0; turns < 40; ++turns) {
    CAPTURE(to_string(pace), reset, turns);
    Scene scene(pace, pace);
    scene.add(socks5());
    scene.transport->later();
    scene.client.sends(std::string(kConnect) + "up");
    grants(scene.upstream, "down");
    if (reset) {
      scene.upstream.expects("up").resets();
    } else {
      scene.upstream.expects("up").ends();
    }
    scene.start();
    for (int i = 0; i < turns; ++i) scene.loop.turn(0);
    scene.end_session();
    CHECK(scene.client.closed());
    CHECK_FALSE(scene.upstream.open());
    settle(scene.loop, 5);
    CHECK_FALSE(scene.loop.busy());
  }
}

TEST_CASE("an abort in the turn in which the tunnel's own time is over is one end, not two") {
  Scene scene;
  scene.config.idle_timeout = 300ms;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished));
  scene.start();
  struct {
    void on_expired() { scene->session->abort("told to"); }
    Scene* scene;
  } drain{&scene};
  Timer timer(scene.loop, Callback<void()>::to<&decltype(drain)::on_expired>(&drain));
  settle(scene.loop, 5);
  timer.start(290ms);
  scene.clock.advance(400ms);
  REQUIRE(scene.run());
  CHECK(scene.finished == 1);
}
