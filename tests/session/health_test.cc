// What is remembered about upstreams, and who is passed over for it.
#include <algorithm>
#include <string>
#include <vector>

#include "dial/prober.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr DialLimits kImpatient{.budget = 5s, .hold = 0ms};
const Error kTimedOut{Errc::connection_timeout, Side::upstream, 0, "timed out"};

/// Two upstreams, of which the second one succeeds once.
struct Pair {
  Pair() {
    scene.add(socks5());
    scene.add(socks5());
    scene.grants(1);
  }
  Upstream& first() { return *scene.upstreams[0]; }
  Upstream& second() { return *scene.upstreams[1]; }

  RouteScene scene;
};

}  // namespace

TEST_CASE("an upstream whose breaker is open is passed over") {
  Pair pair;
  pair.scene.break_down(pair.first(), kRefused);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 0);
}

TEST_CASE("after the breaker's wait one request finds out, and others do not wait for it") {
  Pair pair;
  pair.scene.break_down(pair.first(), kRefused);
  turn_for(pair.scene.loop, RouteScene::kWait);
  Peer& first = pair.scene.peer();
  pair.scene.proxy(0).connects(first);
  auto& trial = pair.scene.ask(kImpatient);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 1);
  CHECK_FALSE(trial.done());
  answer_greeting(first);
  grant(first);
  settle(pair.scene.loop);
  CHECK(trial.connected());
  CHECK_FALSE(pair.first().health->breaker().down_since().has_value());
}

TEST_CASE("if every breaker is open, those that fail at once are tried all the same") {
  Pair pair;
  pair.scene.break_down(pair.first(), kTimedOut);
  pair.scene.break_down(pair.second(), kRefused);
  CHECK(pair.scene.ask_and_wait(kImpatient).connected());
  CHECK(pair.scene.dials(0) == 0);
  CHECK_FALSE(pair.second().health->view(pair.scene.loop.now()).open);
}

TEST_CASE("an attempt that is made although the breaker is open counts") {
  Pair pair;
  RouteScene& scene = pair.scene;
  Upstream& upstream = pair.first();
  scene.break_down(upstream, kRefused);
  const auto permit = upstream.health->begin_attempt(scene.loop.now());
  CHECK(permit == Breaker::Permit::granted);
  upstream.succeeded(permit, {}, scene.loop.now(), scene.log());
  CHECK_FALSE(upstream.health->view(scene.loop.now()).open);
  scene.break_down(upstream, kRefused);
  turn_for(scene.loop, RouteScene::kWait);
  CHECK(upstream.health->begin_attempt(scene.loop.now()) == Breaker::Permit::trial);
}

TEST_CASE("an upstream that was left out is named beside the one that failed") {
  RouteScene scene;
  Upstream& first = scene.add(socks5());
  scene.add(socks5());
  scene.break_down(first, kRefused);
  first.memory->failed("refused the connection");
  SECTION("as no proxy works") {
    scene.proxy(1).fails(EHOSTUNREACH);
    auto& request = scene.ask_and_wait(kImpatient);
    CHECK(request.error().code == Errc::destination_ip_unroutable);
    CHECK_THAT(request.error().text,
               Contains("2 upstreams failed: ") &&
                   Contains(" cannot be reached: No route to host; ") &&
                   Contains(" not tried, it keeps failing: refused the connection"));
  }
  SECTION("unless that one works, and the target does not") {
    Peer& second = scene.peer();
    scene.proxy(1).connects(second);
    answer_greeting(second).expects(kSocks5Request).sends(kSocks5Refused);
    CHECK_THAT(scene.ask_and_wait(kImpatient).error().text,
               Contains("upstream socks5://") && !Contains("not tried"));
  }
  CHECK(scene.dials(0) == 0);
}

TEST_CASE("if all that is left hangs, no client has to wait for that") {
  Pair pair;
  pair.scene.break_down(pair.first(), kTimedOut);
  pair.scene.break_down(pair.second(), kTimedOut);
  auto& request = pair.scene.ask(kImpatient);
  REQUIRE(request.done());
  CHECK(request.error().code == Errc::upstreams_down);
  CHECK_THAT(request.error().text, Contains("2 upstreams failed: socks5://proxy.example:1080 down "
                                            "for 0.0 s; "));
  CHECK_THAT(request.error().detail, Contains("asked again later (for gcr.io:443); upstream "));
  CHECK(pair.scene.dials(0) + pair.scene.dials(1) == 0);
}

TEST_CASE(
    "three refusals in a row open the breaker, and a far end's no shows that the proxy works") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  scene.ask_and_wait(kImpatient);
  scene.ask_and_wait(kImpatient);
  Peer& peer = scene.peer();
  SECTION("a third one") {
    scene.proxy(0).fails(ECONNREFUSED);
    scene.ask_and_wait(kImpatient);
    CHECK(upstream.health->breaker().next_trial().has_value());
  }
  SECTION("the far end refuses") {
    scene.proxy(0).connects(peer);
    answer_greeting(peer);
    peer.expects(kSocks5Request).sends(kSocks5Refused);
    CHECK_FALSE(scene.ask_and_wait(kImpatient).connected());
    CHECK_FALSE(upstream.health->breaker().down_since().has_value());
    CHECK_THAT(scene.log_text(), Contains(" is back after "));
  }
  SECTION("it greets, and says no more: that proves neither") {
    scene.proxy(0).connects(peer);
    answer_greeting(peer);
    CHECK_FALSE(scene.ask_and_wait({.budget = 300ms, .hold = 0ms}).connected());
    CHECK(upstream.health->breaker().down_since().has_value());
    CHECK_FALSE(upstream.health->breaker().next_trial().has_value());
  }
}

namespace {

/// A proxy that takes requests and does not reply, dialed for one client after the other.
struct Mute {
  explicit Mute(const UpstreamConfig& config) : upstream(scene.add(config)) {
    upstream.config.connect_timeout = 200ms;
  }
  Peer& ask(const std::string& target) {
    Peer& peer = scene.peer();
    scene.proxy(0).connects(peer);
    if (upstream.config.kind == UpstreamConfig::Kind::socks5) answer_greeting(peer);
    auto& request = scene.ask(HostPort::parse(target).value(), kImpatient);
    CHECK(turn_until(scene.loop, [&] { return request.done(); }));
    return peer;
  }
  /// It has opened the breaker, and not by a single target.
  bool passed_over() { return upstream.health->breaker().next_trial().has_value(); }

  RouteScene scene;
  Upstream& upstream;
};

}  // namespace

TEST_CASE(
    "a proxy that leaves several targets unanswered has failed, though it answers the greeting") {
  using Kind = UpstreamConfig::Kind;
  Mute mute(GENERATE(socks4a, socks5, http)());
  mute.ask("a.example:443");
  mute.ask("a.example:443");
  mute.ask("b.example:443");
  mute.ask("a.example:443");
  CHECK_FALSE(mute.passed_over());
  CHECK(mute.scene.log_text() == "");
  const bool speaks = GENERATE(false, true);
  if (speaks) {
    Peer& peer = mute.scene.peer();
    mute.scene.proxy(0).connects(peer);
    switch (mute.upstream.config.kind) {
      case Kind::socks5:
        answer_greeting(peer);
        peer.expects(kSocks5Request);
        if (GENERATE(false, true)) {
          peer.ends();  // this is how ssh -D refuses
        } else {
          peer.sends(kSocks5Refused);
        }
        break;
      case Kind::http:
        peer.sends("HTTP/1.1 504 Timeout\r\n\r\n");
        break;
      default:
        peer.sends(std::string("\0\x5b\0\0\0\0\0\0", 8));
    }
    CHECK_FALSE(mute.scene.ask_and_wait(kImpatient).connected());
  }
  mute.ask("c.example:443");
  CHECK(mute.passed_over() == !speaks);
  // If there is nothing better it is still tried.
  CHECK_FALSE(mute.upstream.health->view(mute.scene.loop.now()).fails_slowly);
  Peer& request = mute.ask("d.example:443");
  CHECK(request.closed());
}

TEST_CASE("an answer while others wait in vain is one") {
  Mute mute(http());
  mute.upstream.config.connect_timeout = 200ms;
  RouteScene::Request* last = nullptr;
  for (const char* target : {"a.example:443", "b.example:443", "c.example:443"}) {
    mute.scene.proxy(0).connects(mute.scene.peer());
    last = &mute.scene.ask(HostPort::parse(target).value(), kImpatient);
  }
  turn_for(mute.scene.loop, 20ms);
  Peer& peer = mute.scene.peer();
  mute.scene.proxy(0).connects(peer);
  peer.sends("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(mute.scene.ask_and_wait(kImpatient).connected());
  REQUIRE(turn_until(mute.scene.loop, [&] { return last->done(); }));
  CHECK_FALSE(mute.passed_over());
  // The count has begun anew: two more are not enough.
  const auto now = mute.scene.loop.now();
  for (const char* target : {"x.example:443", "y.example:443"}) {
    CHECK_FALSE(mute.upstream.health->unanswered(Breaker::Permit::granted, target, now, now));
  }
}

TEST_CASE("a target that another upstream reaches proves whose silence it was") {
  Mute mute(http());
  mute.scene.add(socks5());
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(mute.passed_over());
    mute.scene.grants(1);
    mute.ask("gcr.io:443");
  }
  CHECK(mute.passed_over());
  CHECK_THAT(mute.scene.log_text(), Contains("warning upstream http") &&
                                        Contains("did not answer the request within 0.2 s"));
}

TEST_CASE("three requests at once that another upstream serves prove it as well") {
  Mute mute(http());
  mute.scene.add(socks5());
  std::vector<RouteScene::Request*> requests;
  for (int i = 0; i < 3; ++i) {
    mute.scene.proxy(0).connects(mute.scene.peer());
    mute.scene.grants(1);
    requests.push_back(&mute.scene.ask(kImpatient));
  }
  for (const auto* request : requests) {
    REQUIRE(turn_until(mute.scene.loop, [&] { return request->done(); }));
    CHECK(request->connected());
  }
  CHECK(mute.passed_over());
}

TEST_CASE("a plain request that connects to a silent proxy proves nothing about it") {
  Mute mute(http());
  for (const char* target : {"a.example:1", "b.example:1", "c.example:1"}) mute.ask(target);
  REQUIRE(mute.passed_over());
  Peer& peer = mute.scene.peer();
  mute.scene.proxy(0).connects(peer);
  CHECK(mute.scene.ask(mute.scene.target, kImpatient, DialPurpose::forward).connected());
  CHECK(mute.passed_over());
}

TEST_CASE("a failed probe is no reason not to ask the only upstream there is") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  scene.grants(0);
  upstream.health->probe_failed();
  upstream.failed(Breaker::Permit::granted, kTimedOut, scene.loop.now(), scene.log());
  CHECK(scene.ask_and_wait(kImpatient).connected());
  CHECK_FALSE(probe_has_failed(upstream));
}

TEST_CASE("a request whose only upstream is marked down is refused at once, and says so") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  upstream.config.name = "tunnel";
  MemoryFile file;
  Log log(file.fd(), -1, Log::Level::info, Log::Format::text);
  upstream.mark_down(true, log);
  upstream.mark_down(true, log);
  const bool patient = GENERATE(false, true);
  const DialLimits limits = patient ? DialLimits{.budget = 12s, .hold = 12s} : kImpatient;
  auto& request = scene.ask(limits);
  REQUIRE(request.done());
  CHECK(request.error().code == Errc::upstreams_down);
  CHECK(request.error().text ==
        "upstream tunnel is marked down by an administrator (for gcr.io:443)");
  CHECK(scene.dials(0) == 0);
  upstream.mark_down(false, log);
  scene.grants(0);
  CHECK(scene.ask_and_wait(kImpatient).connected());
  log.flush();
  const std::string text = file.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK_THAT(text, Contains("upstream tunnel is marked down by an administrator, and not used") &&
                       Contains("upstream tunnel is not marked down any more"));
}

TEST_CASE("while one is marked down another one serves, and its failure alone is told") {
  RouteScene scene;
  scene.add(socks5()).health->mark_down(true);
  scene.add(socks5());
  scene.proxy(1).fails(EHOSTUNREACH);
  auto& request = scene.ask_and_wait(kImpatient);
  CHECK(request.error().code == Errc::destination_ip_unroutable);
  scene.grants(1);
  CHECK(scene.ask_and_wait(kImpatient).connected());
  CHECK(scene.dials(0) == 0);
}
