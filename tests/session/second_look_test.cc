// A proxy that may have stopped just when it was dialed.
#include "dial/second_look.h"

#include "support/catch.h"
#include "support/turns.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a proxy that resets before its first byte is checked for being still there") {
  Attempt attempt(GENERATE(socks5, socks4a, http)(), 200ms);
  Peer again{attempt.loop};
  const bool while_connecting = GENERATE(false, true);
  attempt.transport->later(GENERATE(false, true));
  if (while_connecting) {
    attempt.transport->fails(ECONNRESET);
  } else {
    attempt.transport->connects(attempt.far);
    attempt.far.resets();
  }
  bool gone = false;
  SECTION("no: it is gone, as if it had never been there") {
    attempt.transport->fails(ECONNREFUSED);
    gone = true;
  }
  SECTION("yes") { attempt.transport->connects(again); }
  SECTION("a reset again") { attempt.transport->fails(ECONNRESET); }
  SECTION("no answer") { attempt.transport->hangs(); }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->requested().size() == 2);
  REQUIRE_FALSE(*attempt.result);
  const Error& error = attempt.result->error();
  CHECK(error.code == (gone ? Errc::connection_refused : Errc::connection_terminated));
  CHECK(error.sys == (gone ? ECONNREFUSED : ECONNRESET));
  CHECK_THAT(error.text, Contains(gone               ? "refused the connection"
                                  : while_connecting ? "reset the connection"
                                                     : "closed the connection"));
  if (gone) CHECK(attempt.proxy_failed);
  CHECK_FALSE(attempt.far.open());
  CHECK_FALSE(again.open());
  CHECK(again.received().empty());
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 1);
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a proxy that resets after its first byte was there") {
  Attempt attempt(socks5());
  attempt.transport->connects(attempt.far);
  answer_greeting(attempt.far).resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->requested().size() == 1);
  CHECK(attempt.result->error().code == Errc::connection_terminated);
}

TEST_CASE("a reset beyond a hop is not checked again") {
  UpstreamConfig config = socks5();
  config.via_index = 1;
  Attempt attempt(config);
  attempt.transport->connects(attempt.far);
  attempt.far.resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->requested().size() == 1);
}

TEST_CASE("while a proxy is checked the dial may be cancelled") {
  Attempt attempt(socks5());
  attempt.transport->connects(attempt.far).hangs();
  attempt.far.resets();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.transport->requested().size() == 2; }));
  attempt.dial.reset();
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 0);
  CHECK(attempt.transport->alive() == 0);
  CHECK_FALSE(attempt.loop.busy());
}
