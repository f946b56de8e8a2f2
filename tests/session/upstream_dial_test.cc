// Which layers a dial through an upstream has, and what time.
#include "dial/upstream_dial.h"

#include "dial/port_check.h"
#include "dial/proxy_dial.h"
#include "dial/resolving_dial.h"
#include "dial/second_look.h"
#include "dial/warm_dial.h"
#include "support/catch.h"
#include "support/route_scene.h"

using namespace culvert;
using namespace culvert::test;
using namespace std::chrono_literals;

namespace {

struct Layers {
  explicit Layers(const UpstreamConfig& config) : upstream(scene.add(config)) {}

  UpstreamRequest request(DialPurpose purpose, const DialBudget& budget = {}) {
    return upstream_request(scene.loop, upstream, scene.target, purpose, AddressCheck{}, budget);
  }
  template <typename Layer>
  bool begin_with(DialPurpose purpose = DialPurpose::tunnel) {
    const auto dial = make_upstream_dial(request(purpose), UpstreamDial::Done{});
    return dynamic_cast<Layer*>(dial.get()) != nullptr;
  }

  RouteScene scene;
  Upstream& upstream;
};

}  // namespace

TEST_CASE("a dial has the layers that its upstream needs, and no others") {
  CHECK(Layers(direct()).begin_with<ProxyDial>());
  CHECK(Layers(socks5()).begin_with<SecondLook>());
  CHECK(Layers(http()).begin_with<PortCheck>());
  UpstreamConfig config = socks5();
  SECTION("behind a hop nothing is looked at again") {
    config.via_index = 0;
    CHECK(Layers(config).begin_with<ProxyDial>());
  }
  SECTION("names are looked up here, addresses need it not") {
    config.resolve_local = true;
    Layers layers(config);
    CHECK(layers.begin_with<ResolvingDial>());
    const HostPort address = HostPort::parse("192.0.2.1:443").value();
    const auto dial =
        make_upstream_dial(upstream_request(layers.scene.loop, layers.upstream, address,
                                            DialPurpose::tunnel, AddressCheck{}, DialBudget{}),
                           UpstreamDial::Done{});
    CHECK(dynamic_cast<SecondLook*>(dial.get()) != nullptr);
  }
}

TEST_CASE("a warm connection is for those who ask the proxy something") {
  const bool is_http = GENERATE(false, true);
  Layers layers(is_http ? http() : socks5());
  layers.upstream.warm = std::make_shared<WarmPool>();
  CHECK(layers.begin_with<WarmDial>(DialPurpose::tunnel));
  CHECK(layers.begin_with<WarmDial>(DialPurpose::hop));
  CHECK(layers.begin_with<WarmDial>(DialPurpose::forward) == !is_http);
  CHECK_FALSE(layers.begin_with<WarmDial>(DialPurpose::warm));
}

TEST_CASE("?connect-timeout takes the place of both limits, within the budget") {
  UpstreamConfig config = socks5();
  const DialBudget budget{.connect = 2s, .total = 5s};
  SECTION("none") {
    Layers layers(config);
    CHECK(layers.request(DialPurpose::tunnel, budget).connect_limit == 2s);
    CHECK(layers.request(DialPurpose::tunnel, budget).left() == 5s);
  }
  SECTION("shorter") {
    config.connect_timeout = 3s;
    Layers layers(config);
    CHECK(layers.request(DialPurpose::tunnel, budget).connect_limit == 3s);
    CHECK(layers.request(DialPurpose::tunnel, budget).left() == 3s);
  }
  SECTION("longer") {
    config.connect_timeout = 30s;
    Layers layers(config);
    CHECK(layers.request(DialPurpose::tunnel, budget).connect_limit == 30s);
    CHECK(layers.request(DialPurpose::tunnel, budget).left() == 5s);
  }
}
