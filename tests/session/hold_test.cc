// Holding requests for a tunnel that is starting.
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

constexpr DialLimits kPatient{.budget = 5s, .hold = 5s};

}  // namespace

TEST_CASE("while all upstreams of a route refuse, any that comes up serves") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  Peer& second = scene.peer();
  scene.proxy(1).fails(ECONNREFUSED).connects(second);
  answer_greeting(second);
  grant(second);
  auto& request = scene.ask_and_wait(kPatient);
  CHECK(request.connected());
  CHECK(&request.dial->current() == scene.upstreams[1].get());
  CHECK_THAT(request.dial->failures(),
             StartsWith("attempts failed: upstream socks5://") && !Contains(";"));
  CHECK_THAT(scene.log_text(),
             Contains("upstream socks5://proxy.example:1080 is back after 0.2 s"));
}

TEST_CASE("a refusal is waited for only if each upstream may be starting") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(http());
  Peer& second = scene.peer();
  Peer& looked_at = scene.peer();
  std::size_t dials = 1;
  scene.proxy(0).fails(ECONNREFUSED);
  SECTION("the network has no such family") { scene.proxy(1).fails(EAFNOSUPPORT); }
  SECTION("the proxy does not answer") { scene.proxy(1).fails(ETIMEDOUT); }
  SECTION("the proxy hangs up, and is there") {
    Peer& asked = scene.peer();
    scene.proxy(1).connects(second).connects(looked_at).connects(asked);
    second.ends();
    asked.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
    dials = 3;
  }
  SECTION("the proxy says no") {
    scene.proxy(1).connects(second);
    second.sends("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  }
  CHECK_FALSE(scene.ask_and_wait(kPatient).connected());
  CHECK(scene.dials(0) == 1);
  CHECK(scene.dials(1) == dials);
  CHECK(looked_at.received().empty());
}

TEST_CASE("an upstream that has been down for long is not held for") {
  RouteScene scene;
  Upstream& upstream = scene.add(socks5());
  upstream.health->failed(UpstreamHealth::Permit::granted, false, scene.loop.now() - 40s);
  scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_refused);
  CHECK_THAT(request.error().text, Contains("(down for 40 s)"));
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("one upstream that was up a moment ago is enough to hold") {
  RouteScene scene;
  scene.add(socks5()).health->failed(UpstreamHealth::Permit::granted, false,
                                     scene.loop.now() - 40s);
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED).fails(ECONNREFUSED);
  scene.proxy(1).fails(ECONNREFUSED);
  auto& request = scene.ask(kPatient);
  REQUIRE(turn_until(scene.loop, [&] { return scene.dials(1) == 2; }));
  CHECK_FALSE(request.done());
}

TEST_CASE("who waits already does so to the end of the budget") {
  RouteScene scene;
  scene.add(socks5());
  for (int i = 0; i < 10; ++i) scene.proxy(0).fails(ECONNREFUSED);
  const auto begun = scene.loop.now();
  auto& request = scene.ask_and_wait({.budget = 1500ms, .hold = 100ms});
  CHECK_FALSE(request.connected());
  CHECK(scene.dials(0) == 6);
  CHECK(scene.loop.now() - begun == 1250ms);
}

TEST_CASE("who met the last moment of a tunnel waits for its return") {
  RouteScene scene;
  scene.add(socks5());
  Peer& dying = scene.peer();
  Peer& next = scene.peer();
  dying.resets();
  scene.proxy(0).connects(dying).fails(ECONNREFUSED).connects(next);
  answer_greeting(next);
  grant(next);
  CHECK(scene.ask_and_wait(kPatient).connected());
  CHECK_THAT(scene.log_text(), Contains("refused the connection - is the tunnel up?"));
}

TEST_CASE("without hold a refusal is reported at once") {
  RouteScene scene;
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED);
  CHECK_FALSE(scene.ask_and_wait({.hold = 0ms}).connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a route is given up while it waits") {
  RouteScene scene;
  scene.add(socks5());
  scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask(kPatient);
  settle(scene.loop);
  REQUIRE_FALSE(request.done());
  CHECK(scene.loop.busy());
  request.dial.reset();
  CHECK_FALSE(scene.loop.busy());
}

TEST_CASE("a proxy whose host has no route yet is waited for") {
  RouteScene scene;
  scene.add(GENERATE(socks5, socks4a, http, https)());
  const int sys = GENERATE(EHOSTUNREACH, ENETUNREACH, EHOSTDOWN);
  scene.proxy(0).fails(sys).fails(sys);
  auto& request = scene.ask(kPatient);
  REQUIRE(turn_until(scene.loop, [&] { return scene.dials(0) == 3; }));
  CHECK_FALSE(request.done());
}

namespace {

/// A connection that is accepted and closed: with a FIN, or with a reset as what was sent to it
/// went unread.
void closes_at_once(RouteScene& scene, bool resets) {
  Peer& nobody = scene.peer();
  scene.proxy(0).connects(nobody);
  if (resets) {
    nobody.resets();
  } else {
    nobody.ends();
  }
}

}  // namespace

TEST_CASE("a published port with nothing behind it is waited for") {
  RouteScene scene(Log::Level::debug);
  const auto kind = GENERATE(0, 1, 2);
  scene.add(kind == 0 ? socks5() : kind == 1 ? socks4a() : http());
  const bool resets = GENERATE(false, true);
  const bool looked_at = kind != 0 || resets;  // a second time
  for (int i = 0; i < (looked_at ? 4 : 2); ++i) closes_at_once(scene, resets);
  Peer& back = scene.peer();
  scene.proxy(0).connects(back);
  if (kind == 0) {
    answer_greeting(back);
    grant(back);
  } else {
    back.sends(kind == 1 ? std::string("\0\x5a\0\0\0\0\0\0", 8) : "HTTP/1.1 200 OK\r\n\r\n");
  }
  const auto begun = scene.loop.now();
  CHECK(scene.ask_and_wait(kPatient).connected());
  CHECK(scene.dials(0) == (looked_at ? 5 : 3));
  CHECK(scene.loop.now() - begun == 500ms);
  CHECK_THAT(scene.log_text(),
             Contains("proxy.example:1080 (nothing is behind its port yet), tried again in 0.2 s"));
}

TEST_CASE("a program that comes between an attempt and the second look is tried once more") {
  RouteScene scene;
  const bool is_http = GENERATE(false, true);
  scene.add(is_http ? http() : socks4a());
  // An HTTP proxy is asked on a connection of its own.
  const auto is_kept = [&] {
    scene.proxy(0).connects(scene.peer());
    if (!is_http) return;
    Peer& asked = scene.peer();
    scene.proxy(0).connects(asked);
    asked.sends("HTTP/1.1 400 Bad Request\r\n\r\n");
  };
  closes_at_once(scene, false);
  closes_at_once(scene, false);
  closes_at_once(scene, false);
  is_kept();
  SECTION("and serves") {
    Peer& back = scene.peer();
    back.sends(is_http ? "HTTP/1.1 200 OK\r\n\r\n" : std::string("\0\x5a\0\0\0\0\0\0", 8));
    scene.proxy(0).connects(back);
    CHECK(scene.ask_and_wait(kPatient).connected());
    CHECK(scene.dials(0) == (is_http ? 6 : 5));
  }
  SECTION("and refuses the target by closing") {
    closes_at_once(scene, false);
    is_kept();
    auto& request = scene.ask_and_wait(kPatient);
    REQUIRE_FALSE(request.connected());
    CHECK_THAT(request.error().text, Contains("closed the connection instead of answering"));
    CHECK(scene.dials(0) == (is_http ? 8 : 6));
  }
}

TEST_CASE("an HTTP proxy's port that closes only after it was sent something is waited for") {
  RouteScene scene;
  scene.add(http());
  const bool resets = GENERATE(false, true);
  // Each keeps the second look's connection, which sends nothing.
  for (int i = 0; i < 2; ++i) {
    closes_at_once(scene, resets);
    scene.proxy(0).connects(scene.peer());
    Peer& asked = scene.peer();
    scene.proxy(0).connects(asked);
    asked.expects(
        "OPTIONS * HTTP/1.1\r\nHost: proxy.example:1080\r\nMax-Forwards: 0\r\n"
        "Connection: close\r\n\r\n");
    resets ? asked.resets() : asked.ends();
    closes_at_once(scene, resets);  // asked in SOCKS5
  }
  SECTION("it comes") {
    Peer& back = scene.peer();
    back.sends("HTTP/1.1 200 OK\r\n\r\n");
    scene.proxy(0).connects(back);
    CHECK(scene.ask_and_wait(kPatient).connected());
    CHECK(scene.dials(0) == 9);
  }
  SECTION("it does not come") {
    auto& request = scene.ask_and_wait({.budget = 700ms, .hold = 5s});
    REQUIRE_FALSE(request.connected());
    CHECK_THAT(request.error().text, Contains("nothing may be behind its port") &&
                                         Contains("waited 0.4 s for the program behind its port"));
    CHECK(scene.dials(0) == 8);
  }
}

TEST_CASE("what closes for HTTP and answers in SOCKS5 is there, and is not waited for") {
  RouteScene scene;
  scene.add(http());
  closes_at_once(scene, false);
  scene.proxy(0).connects(scene.peer());
  closes_at_once(scene, false);
  Peer& greeted = scene.peer();
  scene.proxy(0).connects(greeted);
  answer_greeting(greeted);
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK_THAT(request.error().text, Contains("closed the connection instead of answering"));
  CHECK(scene.dials(0) == 4);
  CHECK(greeted.verdict() == "");
}

TEST_CASE("a port that nothing is put behind is named so, and counts as a refusal does") {
  RouteScene scene;
  Upstream& upstream = scene.add(http());
  for (int i = 0; i < 12; ++i) closes_at_once(scene, i % 2 == 0);
  auto& request = scene.ask_and_wait({.budget = 1400ms, .hold = 5s});
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_terminated);
  CHECK(request.error().side == Side::upstream);
  CHECK_THAT(request.error().text,
             Contains("closed the connection at once - is the program behind its port up? (") &&
                 Contains("(for gcr.io:443) - waited 1.2 s for the program behind its port"));
  CHECK(upstream.health->breaker().down_since().has_value());
  CHECK_FALSE(upstream.health->view(scene.loop.now()).is_preferred());
}

TEST_CASE("a proxy that ends the connection instead of answering for a target is not waited for") {
  RouteScene scene;
  const auto kind = GENERATE(0, 1, 2);
  Upstream& upstream = scene.add(kind == 0   ? socks5_as("alice", "hush")
                                 : kind == 1 ? socks4a()
                                             : http());
  closes_at_once(scene, GENERATE(false, true));
  Peer& looked_at = scene.peer();
  scene.proxy(0).connects(looked_at);
  SECTION("it waits for a request") {}
  SECTION("it is of another kind, and speaks first") { looked_at.sends("SSH-2.0-OpenSSH_9\r\n"); }
  Peer& asked = scene.peer();  // an HTTP proxy
  scene.proxy(0).connects(asked);
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_terminated);
  CHECK_THAT(request.error().text, Contains("closed the connection") && !Contains("waited"));
  CHECK(scene.dials(0) == (kind == 2 ? 3 : 2));
  CHECK(looked_at.received().empty());
  CHECK(asked.received().starts_with("OPTIONS * ") == (kind == 2));
  CHECK(upstream.health->view(scene.loop.now()).is_preferred());
}

TEST_CASE("an end after the SOCKS5 request is about the target, and is not waited for") {
  RouteScene scene;
  scene.add(socks5());
  Peer& server = scene.peer();
  scene.proxy(0).connects(server);
  answer_greeting(server);
  server.expects(kSocks5Request);
  const bool resets = GENERATE(false, true);
  if (resets) {
    server.resets();
  } else {
    server.ends();
  }
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK_THAT(request.error().text, Contains("ssh -D does this"));
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a target that cannot be connected to is not waited for") {
  RouteScene scene;
  scene.add(direct());
  scene.proxy(0).fails(GENERATE(ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ECONNRESET));
  CHECK_FALSE(scene.ask_and_wait(kPatient).connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("of several upstreams that were waited for, each is told at the end") {
  RouteScene scene;
  scene.add(socks5());
  scene.add(http());
  for (int i = 0; i < 10; ++i) {
    scene.proxy(0).fails(ECONNREFUSED);
    scene.proxy(1).fails(EHOSTUNREACH);
  }
  auto& request = scene.ask_and_wait({.budget = 1500ms, .hold = 5s});
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_refused);
  CHECK(request.error().text ==
        "2 upstreams failed: socks5://proxy.example:1080 refused the connection; "
        "http://proxy.example:1080 cannot be reached: No route to host - waited 1.2 s (for "
        "gcr.io:443)");
  CHECK_THAT(request.error().detail, Contains(" - waited 1.2 s for its port; ") &&
                                         Contains(" - waited 1.2 s for a route to it"));
}

TEST_CASE("what a refused request has waited for is told at the end") {
  RouteScene scene(Log::Level::debug);
  scene.add(socks5());
  for (int i = 0; i < 10; ++i) scene.proxy(0).fails(ECONNREFUSED);
  auto& request = scene.ask_and_wait({.budget = 1500ms, .hold = 5s});
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().code == Errc::connection_refused);
  CHECK_THAT(request.error().text, Contains("refused the connection - is the tunnel up? (for "
                                            "gcr.io:443) - waited 1.2 s for its port"));
  CHECK_THAT(scene.log_text(), Contains("gcr.io:443: held: waiting for socks5://proxy.example:1080 "
                                        "(its port refuses yet), tried again in 0.2 s"));
}

namespace {

// Of a look-up.  Not found is the name's failure, no answer that of this host's DNS server.
const Error kNoSuchName{Errc::dns_error, Side::upstream, 0, "does not resolve here"};
const Error kNoServer{Errc::dns_error, Side::local, 0,
                      "does not resolve: the DNS server gave no answer"};
const Error kNoAnswer{Errc::dns_timeout, Side::upstream, 0, "did not resolve here"};

}  // namespace

TEST_CASE("a proxy whose name does not resolve yet is waited for, once a second") {
  RouteScene scene(Log::Level::debug);
  Upstream& upstream = scene.add(GENERATE(socks5, https)());
  const Error& failure = GENERATE_COPY(from_range(std::vector{kNoSuchName, kNoServer, kNoAnswer}));
  Peer& back = scene.peer();
  scene.proxy(0).fails(failure).fails(failure);
  SECTION("until it does") {
    upstream.config = socks5();
    scene.proxy(0).connects(back);
    answer_greeting(back);
    grant(back);
    const auto begun = scene.loop.now();
    CHECK(scene.ask_and_wait(kPatient).connected());
    CHECK(scene.loop.now() - begun == 2s);
    CHECK_THAT(
        scene.log_text(),
        Contains("gcr.io:443: held: waiting for socks5://proxy.example:1080 (its name does not "
                 "resolve yet), tried again in 1.0 s") &&
            Contains("is back after 2.0 s"));
  }
  SECTION("or the time is over") {
    scene.proxy(0).fails(failure).fails(failure);
    const auto begun = scene.loop.now();
    auto& request = scene.ask_and_wait({.budget = 2500ms, .hold = 5s});
    REQUIRE_FALSE(request.connected());
    CHECK(request.error().code == failure.code);
    CHECK(request.error().side == Side::upstream);
    CHECK_THAT(request.error().text, Contains(failure.text + " (for gcr.io:443) - "
                                                             "waited 2.2 s for its name"));
    CHECK(scene.dials(0) == 4);
    CHECK(scene.loop.now() - begun == 2250ms);
    CHECK(upstream.health->breaker().down_since().has_value());
  }
}

TEST_CASE("a target's name is not waited for") {
  RouteScene scene;
  scene.add(direct());
  scene.proxy(0).fails(Error{Errc::dns_error, Side::target, 0, "does not resolve here"});
  auto& request = scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK_THAT(request.error().text, Contains("target gcr.io:443 does not resolve here (direct)"));
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("a look-up that this machine cannot make is not waited for") {
  RouteScene scene;
  scene.add(socks5());
  scene.proxy(0).fails(
      Error{Errc::connection_limit_reached, Side::local, EMFILE, "cannot be looked up"});
  CHECK_FALSE(scene.ask_and_wait(kPatient).connected());
  CHECK(scene.dials(0) == 1);
}

TEST_CASE("upstreams that are missing different things are waited for together") {
  RouteScene scene(Log::Level::debug);
  UpstreamConfig named = http();
  named.label = "http://tunnel:3128";
  scene.add(named);
  scene.add(socks5());
  scene.proxy(0).fails(kNoSuchName).fails(kNoSuchName);
  Peer& back = scene.peer();
  scene.proxy(1).fails(ECONNREFUSED).connects(back);
  answer_greeting(back);
  grant(back);
  CHECK(scene.ask_and_wait(kPatient).connected());
  CHECK_THAT(scene.log_text(),
             Contains("held: waiting for http://tunnel:3128 (its name does not resolve yet), "
                      "socks5://proxy.example:1080 (its port refuses yet), tried again in 1.0 s"));
}

TEST_CASE("a hold ends with the request, whatever is waited for") {
  RouteScene scene;
  scene.add(socks5());
  const bool by_name = GENERATE(false, true);
  if (by_name) {
    scene.proxy(0).fails(kNoSuchName);
  } else {
    closes_at_once(scene, false);
  }
  auto& request = scene.ask(kPatient);
  settle(scene.loop);
  REQUIRE_FALSE(request.done());
  CHECK(scene.loop.busy());
  request.dial.reset();
  CHECK_FALSE(scene.loop.busy());
}

namespace {

/// The second of two upstreams is reached through the first; it is the route's only upstream.
struct Chain {
  Chain() {
    scene.add(socks5());
    Upstream& far = scene.add(http());
    far.config.via_index = 0;
    far.config.label = "http://far.example:1080";
    far.config.address = HostPort::parse("far.example:443").value();
    far.transport = std::make_shared<ViaTransport>(scene.loop, hop);
    hop.config = socks5();
    hop.transport = transport;
    scene.upstreams.erase(scene.upstreams.begin());
  }

  RouteScene scene;
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(scene.loop);
  Upstream hop;
  const std::string request{
      "\x05\x01\x00\x03\x0b"
      "far.example\x01\xbb",
      18};
};

}  // namespace

TEST_CASE("a chain whose first hop refuses is waited for") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->fails(ECONNREFUSED).connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(kSocks5Granted);
  peer.expects("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
      .sends("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(chain.scene.ask_and_wait(kPatient).connected());
  CHECK(peer.verdict() == "");
  CHECK(chain.transport->requested().size() == 2);
}

TEST_CASE("a chain whose first hop may be starting is waited for") {
  Chain chain;
  Peer& nobody = chain.scene.peer();
  Peer& nobody_again = chain.scene.peer();
  SECTION("its name does not resolve") { chain.transport->fails(kNoSuchName); }
  SECTION("it has no route") { chain.transport->fails(EHOSTUNREACH); }
  SECTION("nothing is behind its port") {
    chain.transport->connects(nobody).connects(nobody_again);
    nobody.resets();
    nobody_again.resets();
  }
  Peer& peer = chain.scene.peer();
  chain.transport->connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(kSocks5Granted);
  peer.sends("HTTP/1.1 200 OK\r\n\r\n");
  CHECK(chain.scene.ask_and_wait(kPatient).connected());
  CHECK(peer.verdict() == "");
}

TEST_CASE("what a hop says about the next one's name is not waited for") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(std::string("\x05\x04\0\x01\0\0\0\0\0\0", 10));
  CHECK_FALSE(chain.scene.ask_and_wait(kPatient).connected());
  CHECK(chain.transport->requested().size() == 1);
}

TEST_CASE("a hop that closes instead of answering for the next one is not waited for") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).ends();
  CHECK_FALSE(chain.scene.ask_and_wait(kPatient).connected());
  CHECK(chain.transport->requested().size() == 1);
}

TEST_CASE("a hop's refusal is about the next one, and is not held") {
  Chain chain;
  Peer& peer = chain.scene.peer();
  chain.transport->connects(peer);
  answer_greeting(peer);
  peer.expects(chain.request).sends(kSocks5Refused);
  auto& request = chain.scene.ask_and_wait(kPatient);
  REQUIRE_FALSE(request.connected());
  CHECK(request.error().side == Side::upstream);
  CHECK_THAT(request.error().text,
             Contains("upstream socks5://proxy.example:1080 says far.example:443 refused the "
                      "connection (SOCKS reply 5), on the way to http://far.example:1080 (for "
                      "gcr.io:443)"));
  CHECK(chain.transport->requested().size() == 1);
  CHECK(chain.scene.upstreams[0]->health->breaker().down_since().has_value());
}
