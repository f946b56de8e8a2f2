// The contract of a dial: one answer, and silence afterwards.
#include "dial/proxy_dial.h"

#include "support/catch.h"
#include "support/fake_names.h"
#include "support/turns.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

TEST_CASE("a dial may be destroyed by its answer, good or bad, at once or later") {
  Attempt attempt(socks5());
  attempt.destroy_in_callback = true;
  attempt.transport->later(GENERATE(false, true));
  SECTION("connected") {
    attempt.transport->connects(attempt.far);
    grant(answer_greeting(attempt.far));
  }
  SECTION("refused") { attempt.transport->fails(ECONNREFUSED); }
  SECTION("closed") {
    attempt.transport->connects(attempt.far);
    attempt.far.ends();
  }
  SECTION("nonsense") {
    attempt.transport->connects(attempt.far);
    attempt.far.sends("nonsense");
  }
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 1);
  CHECK(attempt.transport->alive() == 0);
  attempt.result.reset();
  CHECK_FALSE(attempt.far.open());
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("a dial that timed out has let go of everything, and stays silent") {
  SECTION("connecting") {
    Attempt attempt(socks5(), 20ms);
    attempt.transport->hangs();
    attempt.dial->start();
    REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    CHECK(attempt.transport->alive() == 0);
    attempt.transport->let_go(ECONNREFUSED);
    settle(attempt.loop, 10);
    CHECK(attempt.answers == 1);
  }
  SECTION("looking the target up") {
    UpstreamConfig config = socks5();
    config.resolve_local = true;
    const HostPort target = HostPort::parse("hangs.test:443").value();
    Attempt attempt(config, 20ms, target);
    {
      const HangingNames names;
      attempt.dial->start();
      REQUIRE(turn_until(attempt.loop, [&] { return names.waiting() == 1; }));
      attempt.clock.advance(20ms);
      REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    }
    REQUIRE(turn_until(attempt.loop, [&] { return !attempt.loop.busy(); }));
    CHECK(attempt.answers == 1);
  }
  SECTION("the handshake") {
    Attempt attempt(socks5(), 20ms);
    attempt.transport->connects(attempt.far);
    attempt.dial->start();
    REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
    CHECK(attempt.far.closed());
  }
}

TEST_CASE("a dial counts its time from its start") {
  Attempt attempt(direct(), 30ms);
  attempt.transport->hangs();
  attempt.dial->start();
  const auto begun = attempt.loop.now();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.loop.now() - begun == 30ms);
  CHECK(attempt.result->error().code == Errc::connection_timeout);
  CHECK(attempt.result->error().side == Side::target);
}

TEST_CASE("?connect-timeout is for the whole attempt, within its budget") {
  UpstreamConfig config = GENERATE(socks5, http)();
  config.connect_timeout = 30ms;
  Attempt attempt(config, GENERATE(10'000ms, 30ms));
  attempt.transport->connects(attempt.far);
  const auto begun = attempt.loop.now();
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.loop.now() - begun == 30ms);
  CHECK(attempt.result->error().code == Errc::connection_timeout);
  CHECK_THAT(attempt.result->error().text, Contains("did not answer the "));
}

TEST_CASE("a target that a proxy's protocol cannot express is no failure of the proxy") {
  Attempt attempt(socks4a(), 10s, HostPort::parse("[2001:db8::1]:443").value());
  attempt.dial->start();
  REQUIRE(attempt.answers == 1);
  CHECK(attempt.result->error().code == Errc::upstream_unsupported);
  CHECK_THAT(attempt.result->error().text,
             Contains("cannot be asked for [2001:db8::1]:443 - SOCKS4a has no IPv6 addresses"));
  CHECK_FALSE(attempt.proxy_failed);
  CHECK(attempt.transport->requested().empty());
}

TEST_CASE("a refusal waits a moment for the text that may tell more") {
  const auto budget = GENERATE(10'000ms, 100ms);
  Attempt attempt(http(), budget);
  attempt.transport->connects(attempt.far);
  attempt.far.sends("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  const auto begun = attempt.loop.now();
  attempt.dial->start();
  CHECK(attempt.answers == 0);
  std::string cause = " Bad Gateway for gcr.io:443";
  auto took = std::min(budget, 250ms);
  SECTION("in vain") {}
  SECTION("and it comes in parts") {
    settle(attempt.loop, 10);
    attempt.far.sends("no tun");
    settle(attempt.loop, 10);
    attempt.far.sends("nel to it\n");
    cause = ": no tunnel to it (Bad Gateway) for gcr.io:443";
    took = 0ms;
  }
  SECTION("and the connection ends") {
    settle(attempt.loop, 10);
    attempt.far.resets();
    took = 0ms;
  }
  SECTION("and a part of it comes") {
    settle(attempt.loop, 10);
    attempt.far.sends("no tunnel");
    cause = ": no tunnel (Bad Gateway) for gcr.io:443";
  }
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.answers > 0; }));
  CHECK(attempt.loop.now() - begun == took);
  CHECK(attempt.result->error().code == Errc::destination_unavailable);
  CHECK(attempt.result->error().sys == 0);
  CHECK_THAT(attempt.result->error().text, Catch::Matchers::EndsWith(" answered 502" + cause));
  CHECK_FALSE(attempt.proxy_failed);
  CHECK(attempt.far.closed());
}

TEST_CASE("a dial that waits for a refusal's text may be destroyed") {
  Attempt attempt(http());
  attempt.transport->connects(attempt.far);
  attempt.far.sends("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  attempt.dial->start();
  settle(attempt.loop, 10);
  CHECK_THAT(attempt.dial->timeout_failure().cause.text, Contains("answered 502 Bad Gateway"));
  attempt.dial.reset();
  CHECK(attempt.far.closed());
  CHECK_FALSE(attempt.loop.busy());
  CHECK(attempt.answers == 0);
}

TEST_CASE("an upstream whose proxy is our own listener is not dialed") {
  UpstreamConfig config = socks5();
  config.address = HostPort::parse("127.0.0.1:3128").value();
  Attempt attempt(config);
  const Router router(1);
  const std::vector<HostPort> listeners = {attempt.upstream.config.address};
  const AddressGuard guard(listeners, router, [](const IpAddress&) { return true; });
  attempt.upstream.proxy_check = {&guard, AddressGuard::Client::ourselves};
  attempt.dial->start();
  REQUIRE(attempt.answers == 1);
  CHECK(attempt.result->error().code == Errc::proxy_loop_detected);
  CHECK_THAT(attempt.result->error().text, Contains("is a listener of this proxy itself"));
  CHECK(attempt.proxy_failed);
  CHECK(attempt.transport->requested().empty());
}
