// A proxy that may have stopped just when it was dialed.
#include "dial/second_look.h"

#include "support/catch.h"
#include "support/tls_client.h"
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
  bool asked = false;
  SECTION("yes") {
    attempt.transport->connects(again);
    asked = !while_connecting && attempt.upstream.config.kind == UpstreamConfig::Kind::http;
  }
  SECTION("a reset again") { attempt.transport->fails(ECONNRESET); }
  SECTION("no answer") { attempt.transport->hangs(); }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.transport->requested().size() == (asked ? 3 : 2));  // see PortCheck
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

TEST_CASE("a proxy that closes before its first byte is checked for being there at all") {
  const bool tls = GENERATE(false, true);
  Attempt attempt(tls ? https() : GENERATE(socks4a, http)(), 2s);
  if (tls) attempt.upstream.tls = trusting_context();
  Peer again{attempt.loop};
  attempt.far.ends();
  attempt.transport->later(GENERATE(false, true)).connects(attempt.far);
  std::string cause = "closed the connection at once - is the program behind its port up?";
  SECTION("it closes again") {
    attempt.transport->connects(again);
    again.ends();
  }
  SECTION("it resets") {
    attempt.transport->connects(again);
    again.resets();
  }
  SECTION("it is gone") {
    attempt.transport->fails(ECONNREFUSED);
    cause = "refused the connection - is the tunnel up?";
  }
  SECTION("its host is gone") {
    attempt.transport->fails(EHOSTUNREACH);
    cause = "cannot be reached: No route to host";
  }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.may_be_starting);
  CHECK(attempt.result->error().side == Side::upstream);
  CHECK_THAT(attempt.result->error().text, Contains(cause));
  CHECK(again.received().empty());
  CHECK_FALSE(again.open());
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a proxy that keeps a second connection has refused the first") {
  Attempt attempt(GENERATE(socks4a, http)(), 2s);
  Peer again{attempt.loop};
  attempt.far.ends();
  Peer asked{attempt.loop};  // by PortCheck, if it is an HTTP proxy
  asked.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
  attempt.transport->connects(attempt.far).connects(again).connects(asked);
  SECTION("it waits") {}
  SECTION("it speaks first") { again.sends("220 hello\r\n"); }
  const auto begun = attempt.loop.now();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK_FALSE(attempt.may_be_starting);
  CHECK_FALSE(attempt.proxy_failed);
  CHECK_THAT(attempt.result->error().text, Contains("closed the connection instead of answering"));
  CHECK(attempt.loop.now() - begun <= 100ms);
  CHECK_FALSE(again.open());
}

TEST_CASE("while a second connection is watched the dial may be cancelled") {
  Attempt attempt(http());
  Peer again{attempt.loop};
  attempt.far.ends();
  attempt.transport->connects(attempt.far).connects(again);
  attempt.dial->start();
  settle(attempt.loop, 2);
  REQUIRE(again.open());
  attempt.dial.reset();
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 0);
  CHECK_FALSE(again.open());
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE(
    "a greeting that is ended unanswered needs no second look, unless it offered a password") {
  const bool password = GENERATE(false, true);
  Attempt attempt(password ? socks5_as("alice", "hush") : socks5());
  Peer again{attempt.loop};
  attempt.far.ends();
  attempt.transport->connects(attempt.far).connects(again);
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.may_be_starting == !password);
  CHECK(attempt.transport->requested().size() == (password ? 2 : 1));
  CHECK_THAT(attempt.result->error().text, Contains("closed the connection during the greeting"));
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
