// What is told of a session while it runs, and how an administrator ends it.
#include "session/session_facts.h"

#include "support/catch.h"
#include "support/numbered_bytes.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using State = SessionFacts::State;

TEST_CASE("names of what a session does") {
  CHECK(name_of(State::connecting) == "connecting");
  CHECK(name_of(State::held) == "held");
  CHECK(name_of(State::moving) == "moving");
  CHECK(name_of(State::quiet) == "quiet");
  CHECK(name_of(State::client_slow) == "client_slow");
  CHECK(name_of(State::stalled) == "stalled");

  CHECK(name_of(SessionStage::route) == "route");
  CHECK(name_of(SessionStage::exchange) == "exchange");
}

TEST_CASE("a connection without a request has no facts") {
  Scene scene;
  scene.start();
  settle(scene.loop);
  CHECK_FALSE(scene.session->is_in_request());
  scene.client.sends("CONNECT gcr.io:4").ends();
  REQUIRE(scene.run());
}

TEST_CASE("the facts of a tunnel follow it from its dial on") {
  Scene scene;
  auto config = socks5();
  config.name = "tunnel";
  scene.add(config);
  scene.client.sends(std::string(kConnect));
  scene.upstream.expects(kSocks5Greeting);
  const auto begun = scene.loop.now();
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.session->is_in_request());
  SessionFacts facts = scene.session->facts();
  CHECK(facts.id == 7);
  CHECK(facts.client == "127.0.0.1:50001");
  CHECK(facts.user.empty());
  CHECK(facts.method == "CONNECT");
  CHECK(facts.target == "gcr.io:443");
  CHECK(facts.stage == SessionStage::dial);
  CHECK(facts.state == State::connecting);
  CHECK(facts.started == begun);
  CHECK(facts.connect_ms == -1);

  turn_for(scene.loop, 1s);
  scene.upstream.sends(kSocks5Welcome);
  grant(scene.upstream);
  scene.client.expects(std::string(kEstablished)).sends("up");
  scene.upstream.expects("up").sends("down 1");
  scene.client.expects("down 1");
  settle(scene.loop);
  facts = scene.session->facts();
  CHECK(facts.stage == SessionStage::tunnel);
  CHECK(facts.upstream == "tunnel");
  CHECK(facts.state == State::moving);
  CHECK(facts.bytes_up == 2);
  CHECK(facts.bytes_down == 6);
  CHECK(facts.connect_ms >= 1000);
  CHECK(facts.moved == scene.loop.now());
  CHECK_FALSE(facts.stall);

  const auto moved = facts.moved;
  turn_for(scene.loop, 3s);
  facts = scene.session->facts();
  CHECK(facts.state == State::quiet);
  CHECK(facts.moved == moved);
  CHECK(facts.waiting_for_client + facts.waiting_for_upstream == 0);

  scene.client.takes(5);
  scene.client.holds_back(7);
  scene.upstream.sends(std::string(1000, 'x'));
  turn_for(scene.loop, 3s);
  facts = scene.session->facts();
  CHECK(facts.state == State::client_slow);
  CHECK(facts.bytes_down == 1006);
  CHECK(facts.waiting_for_client == 995 + 7);
  CHECK(facts.waiting_for_upstream == 0);
  scene.end_session();
}

TEST_CASE("the facts of a held request say so") {
  Scene scene;
  scene.add(socks5());
  scene.config.hold = 12s;
  scene.transport->fails(ECONNREFUSED);
  scene.client.sends(std::string(kConnect));
  scene.start();
  settle(scene.loop);
  CHECK(scene.session->facts().state == State::held);
  scene.session->end_by_admin();
  CHECK(scene.finished == 1);
  CHECK_THAT(scene.client.received(), Contains("HTTP/1.1 502 culvert: "));
  CHECK_THAT(scene.client.received(), Contains("ended by an administrator, and there was no answer "
                                               "yet from gcr.io:443"));
  CHECK_THAT(scene.access_text(), Contains(" outcome=aborted stage=dial status=502 "));
}

TEST_CASE("a tunnel that an administrator ends is reset at both ends") {
  Scene scene;
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).sends("up");
  scene.upstream.expects("up").sends("down");
  scene.client.expects("down");
  scene.start();
  settle(scene.loop);
  REQUIRE(scene.client.verdict() == "");
  scene.session->end_by_admin();
  CHECK(scene.finished == 1);
  CHECK(scene.client.closed_by_reset());
  CHECK(scene.upstream.closed_by_reset());
  CHECK_THAT(scene.access_text(),
             Contains(" outcome=aborted stage=tunnel status=200 bytes_up=2 bytes_down=4 "));
  CHECK_THAT(scene.access_text(),
             Contains(" closed_by=culvert detail=\"ended by an administrator\""));
}
