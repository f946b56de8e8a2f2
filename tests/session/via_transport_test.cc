// Upstreams that are reached through other upstreams: who failed.
#include "dial/via_transport.h"

#include <optional>

#include "support/catch.h"
#include "support/route_scene.h"
#include "support/turns.h"
#include "support/upstream_attempt.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

/// A chain: b goes through a, and c through both.
struct Chain {
  Chain() {
    add(socks5(), "a");
    add(http(), "b");
    add(socks5(), "c");
  }
  void add(UpstreamConfig config, const char* name) {
    const std::size_t index = scene.upstreams.size();
    config.label = name;
    config.address = kTarget;
    if (index > 0) config.via_index = index - 1;
    scene.add(config);
    if (index > 0) {
      scene.upstreams[index]->transport =
          std::make_shared<ViaTransport>(scene.loop, *scene.upstreams[index - 1]);
    }
  }
  Error error_of_dial(std::chrono::milliseconds budget) {
    const auto dial = make_upstream_dial(
        upstream_request(scene.loop, *scene.upstreams.back(), kTarget, DialPurpose::tunnel,
                         AddressCheck{}, DialBudget{.connect = budget, .total = budget}),
        UpstreamDial::Done::to<&Chain::on_done>(this));
    dial->start();
    REQUIRE(turn_until(scene.loop, [&] { return failure.has_value(); }));
    CHECK(failure->proxy_failed());
    return to_error(*failure, scene.upstreams.back()->config, kTarget, DialPurpose::tunnel);
  }
  void on_done(UpstreamResult&& outcome) {
    REQUIRE_FALSE(outcome);
    failure = std::move(outcome).error();
  }

  RouteScene scene;
  std::optional<DialFailure> failure;
};

}  // namespace

TEST_CASE("a chain whose first hop is gone names this one, the last one and the target") {
  Chain chain;
  chain.scene.proxy(0).fails(ECONNREFUSED);
  CHECK(chain.error_of_dial(10s).text ==
        "upstream c is out of reach for gcr.io:443: upstream a refused the connection - is the "
        "tunnel up?");
}

TEST_CASE("a chain with long names keeps the cause") {
  Chain chain;
  for (const auto& upstream : chain.scene.upstreams) {
    upstream->config.label = "http://" + std::string(200, upstream->config.label[0]);
  }
  chain.scene.proxy(0).fails(ECONNREFUSED);
  const std::string text = chain.error_of_dial(10s).text;
  CHECK(text.size() <= 191);
  CHECK_THAT(text, StartsWith("upstream http://aaa") &&
                       Contains("aaa refused the connection, on the way to http://ccc") &&
                       Contains("ccc - is the tunnel up? (for gcr.io:443)"));
}

TEST_CASE("a chain whose time is over names the hop that was waited for") {
  Chain chain;
  Peer& far = chain.scene.peer();
  std::string expected;
  SECTION("connecting to the first") {
    expected =
        "upstream c is out of reach for gcr.io:443: upstream a did not accept the connection";
  }
  SECTION("the first one's greeting") {
    chain.scene.proxy(0).connects(far);
    expected = "upstream c is out of reach for gcr.io:443: upstream a did not answer the greeting";
  }
  SECTION("the middle one") {
    chain.scene.proxy(0).connects(far);
    answer_greeting(far);
    grant(far);
    expected = "upstream c is out of reach for gcr.io:443: upstream b did not answer the request";
  }
  SECTION("the last one") {
    chain.scene.proxy(0).connects(far);
    answer_greeting(far);
    grant(far);
    far.expects("CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n")
        .sends("HTTP/1.1 200 OK\r\n\r\n");
    expected = "upstream c did not answer the greeting";
  }
  const Error error = chain.error_of_dial(300ms);
  CHECK(error.code == Errc::connection_timeout);
  CHECK_THAT(error.text, StartsWith(expected + " within ") && Contains("gcr.io:443"));
}
