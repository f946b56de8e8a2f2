#include "server/tunnel_ports.h"

#include <set>

#include "support/catch.h"

using namespace culvert;

namespace {

Config config_with(std::size_t tunnels) {
  Config config;
  for (std::size_t i = 0; i <= tunnels; ++i) {
    UpstreamConfig& upstream = config.upstreams.emplace_back();
    upstream.kind = UpstreamConfig::Kind::socks5;
    upstream.address = HostPort::from("127.0.0.1", 9).value();
    upstream.tunnel = i;  // the first is at none
  }
  return config;
}

}  // namespace

TEST_CASE("each tunnel gets a port of its own, and keeps it over reloads") {
  TunnelPorts ports;
  Config config = config_with(4);
  REQUIRE(ports.give_to(config));
  CHECK(config.upstreams[0].address.port == 9);
  CHECK(config.upstreams[0].label.empty());
  std::set<std::uint16_t> all;
  for (std::size_t i = 1; i <= 4; ++i) {
    const UpstreamConfig& upstream = config.upstreams[i];
    CHECK(upstream.address.port == ports.of(i));
    CHECK(upstream.label == "socks5://" + upstream.address.to_string());
    all.insert(ports.of(i));
  }
  CHECK(all.size() == 4);
  CHECK(all.count(0) == 0);

  const std::uint16_t third = ports.of(3);
  for (const std::size_t count : {2U, 6U}) {
    Config again = config_with(count);
    REQUIRE(ports.give_to(again));
    CHECK(again.upstreams[2].address.port == ports.of(2));
  }
  CHECK(ports.of(3) == third);
  CHECK(all.count(ports.of(5)) == 0);
}

TEST_CASE("two upstreams of one tunnel have one port") {
  TunnelPorts ports;
  Config config = config_with(1);
  config.upstreams.push_back(config.upstreams[1]);
  REQUIRE(ports.give_to(config));
  CHECK(config.upstreams[1].address.port == config.upstreams[2].address.port);
}

TEST_CASE("ports that another process has chosen are given in place of ours") {
  TunnelPorts ports;
  Config config = config_with(2);
  REQUIRE(ports.give_to(config));
  ports.take_over({31001, 31002});
  REQUIRE(ports.give_to(config));
  CHECK(config.upstreams[1].address.port == 31001);
  CHECK(config.upstreams[2].address.port == 31002);
  CHECK(ports.of(2) == 31002);
}

TEST_CASE("what has no tunnel has no port") {
  const TunnelPorts ports;
  CHECK(ports.of(0) == 0);
  CHECK(ports.of(1) == 0);
}
