// Which way out: the question that each request asks once.
#include <benchmark/benchmark.h>

#include <string>
#include <utility>
#include <vector>

#include "policy/router.h"

using namespace culvert;

namespace {

HostPort target(const char* text) { return HostPort::parse(text).value(); }

/// `count` patterns of all kinds, none of which matches what is asked for.
std::vector<std::string> patterns(std::int64_t count) {
  std::vector<std::string> all;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    switch (i % 4) {
      case 0:
        all.push_back("host-" + number + ".example");
        break;
      case 1:
        all.push_back(".domain-" + number + ".example");
        break;
      case 2:
        all.push_back("10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24");
        break;
      default:
        all.push_back("host-" + number + ".example:8443");
        break;
    }
  }
  return all;
}

Router router_of(std::int64_t count) {
  RoutingTable table;
  for (const std::string& pattern : patterns(count)) {
    std::vector<std::string> problems;
    table.rules.push_back({parse_target_patterns(pattern, problems), {{0}, "--route " + pattern}});
    if (!problems.empty()) return Router(0);
  }
  table.otherwise = {{1}, "default"};
  return Router(std::move(table));
}

/// The worst case: no rule matches.
void route(benchmark::State& state, const char* asked) {
  const Router router = router_of(state.range(0));
  const HostPort host = target(asked);
  if (router.route(host).upstreams != std::vector<std::size_t>{1}) {
    return state.SkipWithError("another route");
  }
  for (auto _ : state) benchmark::DoNotOptimize(&router.route(host));
  state.SetComplexityN(state.range(0));
}
BENCHMARK_CAPTURE(route, name, "host-1.registry.example:443")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Complexity();
BENCHMARK_CAPTURE(route, address, "192.0.2.7:443")->Arg(1)->Arg(100)->Arg(1000)->Complexity();

void no_proxy(benchmark::State& state, const char* asked) {
  std::string list;
  for (const std::string& pattern : patterns(state.range(0))) list += pattern + ",";
  const NoProxy rules(list);
  const HostPort host = target(asked);
  if (rules.matches(host)) return state.SkipWithError("it matches");
  for (auto _ : state) benchmark::DoNotOptimize(rules.matches(host));
  state.SetComplexityN(state.range(0));
}
BENCHMARK_CAPTURE(no_proxy, name, "host-1.registry.example:443")
    ->Arg(1)
    ->Arg(100)
    ->Arg(1000)
    ->Complexity();
BENCHMARK_CAPTURE(no_proxy, address, "192.0.2.7:443")->Arg(1)->Arg(100)->Arg(1000)->Complexity();

}  // namespace
