// Upstreams whose URL names a protocol that their proxy does not speak.
#include "dial/protocol_look.h"

#include "support/catch.h"
#include "support/route_scene.h"
#include "support/tls_client.h"
#include "support/turns.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

const std::string kHttpOpening = "GET / HTTP/1.0\r\n\r\n";
const std::string kTlsOpening = "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03"s;
const std::string kTlsAlert = "\x15\x03\x01\x00\x02\x02\x32"s;

/// An attempt through a proxy that was never heard of.
struct Doubtful : Attempt {
  explicit Doubtful(UpstreamConfig config, std::chrono::milliseconds budget = 10s)
      : Attempt(std::move(config), budget) {
    upstream.memory = std::make_shared<UpstreamMemory>(true);
    upstream.tls = trusting_context();
    transport->later(GENERATE(false, true));
  }
  std::string run() {
    begun = loop.now();
    dial->start();
    REQUIRE(turn_until(
        loop, [&] { return answers > 0; }, 20s));
    settle(loop, 10);
    CHECK(answers == 1);
    CHECK(far.open() == bool(*result));
    CHECK_FALSE(second.open());
    CHECK_FALSE(third.open());
    CHECK(transport->alive() == 0);
    CHECK_FALSE(loop.busy());
    return *result ? "" : result->error().text;
  }
  std::size_t dials() const { return transport->requested().size(); }

  Peer second{loop};
  Peer third{loop};
  Loop::Clock::time_point begun;
};

}  // namespace

TEST_CASE("a SOCKS5 proxy behind http:// closes, and is asked in SOCKS5") {
  Doubtful attempt(http());
  attempt.far.ends();
  attempt.second.expects(kSocks5Greeting).sends("\x05\xff");
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK(attempt.run() ==
        "upstream http://proxy.example:1080 answers in SOCKS5, not in HTTP - write socks5:// (for "
        "gcr.io:443)");
  CHECK(attempt.result->error().code == Errc::upstream_protocol_error);
  CHECK(attempt.proxy_failed);
  CHECK_FALSE(attempt.may_be_starting);
  CHECK(attempt.second.verdict() == "");
  CHECK(attempt.loop.now() - attempt.begun < 500ms);
}

TEST_CASE("a TLS server behind http:// closes, and is asked in TLS") {
  Doubtful attempt(http());
  attempt.far.ends();
  attempt.second.expects(kSocks5Greeting);
  const bool silent = GENERATE(true, false);
  if (!silent) attempt.second.ends();
  attempt.third.expects(kTlsOpening).sends(kTlsAlert);
  attempt.transport->connects(attempt.far).connects(attempt.second).connects(attempt.third);
  CHECK_THAT(attempt.run(), Contains(" answers in TLS, not in HTTP - write https:// (for "));
  CHECK(attempt.third.verdict() == "");
  CHECK(attempt.loop.now() - attempt.begun < 1s);
}

TEST_CASE("an HTTP proxy behind socks5:// waits, and is asked in HTTP before the time is over") {
  Doubtful attempt(socks5());
  const bool tls = GENERATE(false, true);
  attempt.second.expects(kHttpOpening)
      .sends(tls ? "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server"
                 : "HTTP/1.1 400 Bad Request\r\n\r\n");
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK_THAT(attempt.run(), Contains(tls ? " answers in TLS, not in SOCKS"
                                         : " answers in HTTP, not"
                                           " in SOCKS") &&
                                Contains(tls ? " - write https://" : " - write http://"));
  CHECK(attempt.loop.now() - attempt.begun >= 1s);
  CHECK(attempt.loop.now() - attempt.begun < 1500ms);
  CHECK(attempt.proxy_failed);
}

TEST_CASE("a request may take its time, and nobody is asked meanwhile") {
  Doubtful attempt(GENERATE(socks4a, http)(), 5s);
  attempt.transport->connects(attempt.far);
  CHECK_THAT(attempt.run(), Contains(" did not answer the request within 5.0 s - is it a"));
  CHECK(attempt.dials() == 1);
}

TEST_CASE("a TLS server behind socks4a:// closes, and is asked in TLS") {
  Doubtful attempt(socks4a());
  attempt.far.ends();
  attempt.second.expects(kTlsOpening).sends(kTlsAlert);
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK_THAT(attempt.run(), Contains(" answers in TLS, not in SOCKS4 - write https://"));
}

TEST_CASE("with little time left the proxy is asked after half of it") {
  Doubtful attempt(socks5(), 600ms);
  attempt.second.expects(kHttpOpening).sends("HTTP/1.1 400 Bad Request\r\n\r\n");
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK_THAT(attempt.run(), Contains(" answers in HTTP, not in SOCKS5"));
  CHECK(attempt.loop.now() - attempt.begun < 600ms);
}

TEST_CASE("a SOCKS5 proxy behind https:// closes, and is asked in SOCKS5") {
  Doubtful attempt(https());
  attempt.far.ends();
  attempt.second.expects(kSocks5Greeting).sends(kSocks5Welcome);
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK_THAT(attempt.run(), Contains(" answers in SOCKS5, not in TLS - write socks5://"));
}

TEST_CASE("what is still unknown after that is asked of the reader") {
  SECTION("silence") {
    Doubtful attempt(socks5());
    attempt.second.expects(kHttpOpening);
    attempt.third.expects(kTlsOpening).sends("\xde\xad");
    attempt.transport->connects(attempt.far).connects(attempt.second).connects(attempt.third);
    CHECK_THAT(attempt.run(),
               Contains(" did not answer the greeting within 10.0 s - is it a SOCKS5 proxy? (an "
                        "HTTP proxy would wait like this) (for gcr.io:443)"));
    CHECK(attempt.result->error().code == Errc::connection_timeout);
    CHECK(attempt.dials() == 3);
  }
  SECTION("an end") {
    Doubtful attempt(http());
    attempt.far.ends();
    attempt.second.expects(kSocks5Greeting).sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    attempt.transport->connects(attempt.far).connects(attempt.second);
    CHECK_THAT(attempt.run(),
               Contains(" closed the connection instead of answering for gcr.io:443 - is it an "
                        "HTTP proxy? (ssh -D and TLS servers close like this)"));
    CHECK(attempt.second.verdict() == "");
  }
  SECTION("nobody to ask") {
    Doubtful attempt(socks5(), 5s);
    attempt.transport->connects(attempt.far).fails(ECONNREFUSED);
    CHECK_THAT(attempt.run(), Contains(" within 5.0 s - is it a SOCKS5 proxy?"));
    CHECK(attempt.dials() == 2);
  }
}

TEST_CASE("a proxy is asked once a minute, and what it spoke is remembered") {
  const auto memory = std::make_shared<UpstreamMemory>(true);
  const bool silent = GENERATE(false, true);
  {
    Doubtful first(silent ? socks5() : http());
    first.upstream.memory = memory;
    if (!silent) first.far.ends();
    first.second.expects(silent ? kHttpOpening : kSocks5Greeting)
        .sends(silent ? "HTTP/1.1 400 Bad Request\r\n\r\n" : kSocks5Welcome);
    first.transport->connects(first.far).connects(first.second);
    CHECK_THAT(first.run(), Contains(" answers in "));
  }
  Doubtful next(silent ? socks5() : http());
  next.upstream.memory = memory;
  if (!silent) next.far.ends();
  next.transport->connects(next.far);
  if (!silent) next.transport->connects(next.second);
  CHECK_THAT(next.run(), Contains(" answers in "));
  CHECK(next.dials() == (silent ? 1 : 2));
  CHECK(next.second.received() == "");
}

TEST_CASE("a proxy that replies late is served, whatever the question") {
  Doubtful attempt(socks5());
  attempt.transport->connects(attempt.far).connects(attempt.second);
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return attempt.second.received() == kHttpOpening; }));
  answer_greeting(attempt.far);
  grant(attempt.far);
  CHECK(attempt.run() == "");
}

TEST_CASE("a proxy that has spoken its protocol once is not asked in others") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  upstream.memory = std::make_shared<UpstreamMemory>(true);
  scene.grants(0);
  CHECK(scene.ask_and_wait().connected());
  CHECK_FALSE(upstream.memory->doubts_protocol());
  scene.proxy(0).connects(scene.peer());
  auto& request = scene.ask_and_wait({.budget = 3s, .hold = 0ms});
  REQUIRE_FALSE(request.connected());
  CHECK_THAT(request.error().text, Contains("did not answer the greeting within 3.0 s (for gcr"));
  CHECK(scene.dials(0) == 2);
}

TEST_CASE("while a proxy is asked the dial may be cancelled") {
  Doubtful attempt(GENERATE(socks5, http)());
  if (attempt.upstream.config.kind == UpstreamConfig::Kind::http) attempt.far.ends();
  attempt.transport->connects(attempt.far).connects(attempt.second);
  attempt.dial->start();
  REQUIRE(turn_until(attempt.loop, [&] { return !attempt.second.received().empty(); }));
  attempt.dial.reset();
  settle(attempt.loop, 10);
  CHECK(attempt.answers == 0);
  CHECK_FALSE(attempt.second.open());
  CHECK_FALSE(attempt.loop.busy());
}

TEST_CASE("the dial may be destroyed by what was found") {
  Doubtful attempt(GENERATE(socks5, http)());
  attempt.destroy_in_callback = true;
  const bool closes = attempt.upstream.config.kind == UpstreamConfig::Kind::http;
  if (closes) attempt.far.ends();
  attempt.second.expects(closes ? kSocks5Greeting : kHttpOpening)
      .sends(closes ? kSocks5Welcome : "HTTP/1.1 400 Bad Request\r\n\r\n");
  attempt.transport->connects(attempt.far).connects(attempt.second);
  CHECK_THAT(attempt.run(), StartsWith("upstream ") && Contains(" answers in "));
}
