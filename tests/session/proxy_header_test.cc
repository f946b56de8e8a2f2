// Upstreams that are told the client's address: ?proxy-protocol.
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "codec/proxy_protocol.h"
#include "dial/prober.h"
#include "dial/protocol_look.h"
#include "dial/route_attempt.h"
#include "dial/via_transport.h"
#include "support/catch.h"
#include "support/route_scene.h"
#include "support/session_scene.h"
#include "support/turns.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Catch::Matchers::Contains;

namespace {

const ConnectionEnds kEnds{{{IpAddress::parse("192.0.2.1").value(), 40001}},
                           {{IpAddress::parse("198.51.100.7").value(), 3128}}};
const std::string kHttpRequest = "CONNECT gcr.io:443 HTTP/1.1\r\nHost: gcr.io:443\r\n\r\n";
const std::string kHttpGranted = "HTTP/1.1 200 OK\r\n\r\n";
const std::string kSocks4Request = "\4\1\1\xbb\0\0\0\1\0gcr.io\0"s;
const std::string kSocks4Answer = "\0\x5a\0\0\0\0\0\0"s;

bool has_whole_head(const std::string& bytes) { return bytes.ends_with("\r\n\r\n"); }

UpstreamConfig told(UpstreamConfig config, ProxyVersion version) {
  config.proxy_protocol = version;
  return config;
}

/// A session whose client a load balancer has named, so that both ends are known without sockets.
struct Named : Scene {
  Named() {
    listen.proxy_protocol = true;
    config.allow_clients = {Cidr::parse("192.0.2.0/24").value()};
    client.sends(make_proxy_header(ProxyVersion::v1, &kEnds));
  }
};

}  // namespace

TEST_CASE("a proxy is told the client before anything else, in either version") {
  const auto version = GENERATE(ProxyVersion::v1, ProxyVersion::v2);
  const std::string header = make_proxy_header(version, &kEnds);
  Named scene;
  SECTION("SOCKS5") {
    scene.add(told(socks5(), version));
    scene.upstream.expects(header + kSocks5Greeting).sends(kSocks5Welcome);
    grant(scene.upstream);
  }
  SECTION("SOCKS4a") {
    scene.add(told(socks4a(), version));
    scene.upstream.expects(header + kSocks4Request).sends(kSocks4Answer);
  }
  SECTION("HTTP") {
    scene.add(told(http(), version));
    scene.upstream.expects(header + kHttpRequest).sends(kHttpGranted);
  }
  scene.client.sends(std::string(kConnect))
      .expects(std::string(kEstablished))
      .sends("question")
      .expects("answer")
      .ends()
      .expects_end();
  scene.upstream.expects("question").sends("answer").expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.client.verdict() == "");
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("a plain request's proxy is told the client once a connection") {
  Named scene;
  scene.add(told(http(), ProxyVersion::v2));
  const std::string get = "GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n";
  const std::string answer = "HTTP/1.1 204 No Content\r\n\r\n";
  scene.client.sends(get);
  scene.start();
  REQUIRE(turn_until(scene.loop, [&] { return has_whole_head(scene.upstream.received()); }));
  const std::string header = make_proxy_header(ProxyVersion::v2, &kEnds);
  CHECK(scene.upstream.received().starts_with(header + "GET http://a.example/ "));
  const std::size_t first = scene.upstream.received().size();
  scene.upstream.sends(answer);
  REQUIRE(turn_until(scene.loop, [&] { return has_whole_head(scene.client.received()); }));
  scene.client.sends(get);
  REQUIRE(turn_until(
      scene.loop, [&] { return scene.upstream.received().size() >= 2 * first - header.size(); }));
  CHECK(scene.upstream.received().substr(first).starts_with("GET http://a.example/ "));
  CHECK(scene.dials() == 1);
  scene.end_session();
}

TEST_CASE("a client without an address is passed on as unknown") {
  Scene scene;
  scene.peer.reset();
  scene.add(told(socks5(), ProxyVersion::v2));
  const ConnectionEnds unknown;
  scene.upstream.expects(make_proxy_header(ProxyVersion::v2, &unknown) + kSocks5Greeting)
      .sends(kSocks5Welcome);
  grant(scene.upstream);
  scene.client.sends(std::string(kConnect)).expects(std::string(kEstablished)).ends().expects_end();
  scene.upstream.expects_end().ends();
  scene.start();
  REQUIRE(scene.run());
  CHECK(scene.upstream.verdict() == "");
}

TEST_CASE("a proxy that wants no header and closes is a failure of the upstream") {
  Named scene;
  scene.add(told(socks5(), ProxyVersion::v1));
  const bool resets = GENERATE(false, true);
  if (resets) {
    scene.upstream.resets();
  } else {
    scene.upstream.ends();
  }
  scene.client.sends(std::string(kConnect)).expects_end().ends();
  scene.start();
  const Answer answer = scene.answer();
  CHECK((answer.status == 502 || answer.status == 503));
  CHECK_THAT(answer.reason, Contains("socks5://proxy.example:1080 closed the connection "));
  CHECK_THAT(scene.access_text(), Contains(", after a PROXY protocol header"));
}

TEST_CASE("a chain tells each hop that wants to know") {
  RouteScene scene;
  UpstreamConfig near = told(http(), ProxyVersion::v1);
  near.label = "near";
  UpstreamConfig far = told(socks5(), ProxyVersion::v2);
  far.via_index = 0;
  far.address = scene.target;
  scene.add(near);
  scene.add(far);
  scene.upstreams[1]->transport = std::make_shared<ViaTransport>(scene.loop, *scene.upstreams[0]);
  Peer& peer = scene.peer();
  scene.proxy(0).connects(peer);
  peer.expects(make_proxy_header(ProxyVersion::v1, &kEnds) + kHttpRequest)
      .sends(kHttpGranted)
      .expects(make_proxy_header(ProxyVersion::v2, &kEnds) + kSocks5Greeting)
      .sends(kSocks5Welcome);
  grant(peer);
  struct Asker {
    void take(RouteAttempt&, DialResult given) { result.emplace(std::move(given)); }
    std::optional<DialResult> result;
  } asker;
  auto ends = std::make_unique<ConnectionEnds>(kEnds);
  RouteAttempt attempt(scene.loop, scene.log(), *scene.upstreams[1], scene.target,
                       DialPurpose::tunnel, AddressCheck{.ends = ends.get()}, 5s,
                       UpstreamHealth::Permit::granted,
                       RouteAttempt::Done::to<&Asker::take>(&asker));
  ends.reset();  // an attempt may outlive its client
  attempt.start();
  REQUIRE(turn_until(scene.loop, [&] { return asker.result.has_value(); }));
  CHECK(asker.result->ok());
  CHECK(peer.verdict() == "");
}

TEST_CASE("a probe is a connection of our own") {
  RouteScene scene;
  const auto version = GENERATE(ProxyVersion::v1, ProxyVersion::v2);
  Upstream& upstream = scene.add(told(socks5(), version));
  Peer& peer = scene.peer();
  scene.proxy(0).connects(peer);
  peer.expects(make_proxy_header(version, nullptr) + kSocks5Greeting).sends(kSocks5Welcome);
  grant(peer);
  Prober prober(scene.loop, scene.log(), upstream, scene.target, 1h);
  REQUIRE(turn_until(scene.loop, [&] { return peer.verdict().empty(); }));
}

TEST_CASE("a question about the protocol is a connection of our own") {
  RouteScene scene;
  Upstream& upstream = scene.add(told(socks4a(), ProxyVersion::v1));
  Peer& peer = scene.peer();
  scene.proxy(0).connects(peer);
  peer.sends("\x15\3\1\0\2\2\x28"s);
  std::string spoken;
  struct Found {
    void take(std::string_view protocol) { *to = protocol; }
    std::string* to;
  } found{&spoken};
  ProtocolLook look(scene.loop, scene.proxy(0), upstream.config,
                    ProtocolLook::Done::to<&Found::take>(&found));
  look.start(5s);
  REQUIRE(turn_until(scene.loop, [&] { return !spoken.empty(); }));
  CHECK(peer.received().starts_with("PROXY UNKNOWN\r\n\x16"));
}
