#include "check/check.h"

#include "policy/presets.h"
#include "support/catch.h"

using namespace culvert;

namespace {

RouteConfig route_of(std::string_view preset, std::vector<std::size_t> upstreams) {
  RouteConfig route;
  route.presets = {find_preset(preset)};
  route.upstreams = std::move(upstreams);
  return route;
}

}  // namespace

TEST_CASE("of each preset that a route names one registry is asked") {
  Config config;
  CHECK(preset_registries(config).empty());
  config.routes = {route_of("gcr", {0}), route_of("dockerhub", {0}), route_of("gcr", {0}),
                   route_of("quay", {})};
  CHECK(preset_registries(config) ==
        std::vector<std::string>{"gcr.io:443", "registry-1.docker.io:443"});
  config.routes = {route_of("containers", {0})};
  CHECK(preset_registries(config).size() == presets().size() - 1);
}
