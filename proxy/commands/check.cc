#include "commands/check.h"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "commands/standard_streams.h"
#include "policy/address_guard.h"
#include "server/ruleset.h"

namespace culvert {
namespace {

/// "tunnel (socks5://127.0.0.1:1080) via office (http://proxy.example:3128)"
std::string describe(const Config& config, std::size_t index) {
  std::string text;
  for (std::optional<std::size_t> hop = index; hop; hop = config.upstreams[*hop].via_index) {
    const UpstreamConfig& upstream = config.upstreams[*hop];
    if (!text.empty()) text += " via ";
    text += upstream.name == upstream.label ? upstream.label
                                            : upstream.name + " (" + upstream.label + ")";
  }
  return text;
}

void print_upstreams(const Config& config, const Route& route) {
  if (route.denied()) {
    print(stdout, "  way   none: clients get 403\n");
    return;
  }
  std::string_view label = "way";
  for (const std::size_t index : route.upstreams) {
    print(stdout, fmt::format("  {:<6}{}\n", label, describe(config, index)));
    label = "then";
  }
}

}  // namespace

int check_route(const RouteQuestion& question) {
  const Config& config = question.config;
  std::vector<std::string> problems;
  make_tls_contexts(config.upstreams, problems);
  for (const std::string& problem : problems) complain(problem);
  if (!problems.empty()) return 2;
  for (const std::string& warning : config.warnings) complain(warning);
  const Router router = make_router(config);
  const std::vector<HostPort> no_listeners;
  const AddressGuard guard(no_listeners, router, nullptr);
  const AddressCheck check{&guard, AddressGuard::Client::elsewhere};
  for (const HostPort& target : question.targets) {
    const Router::Explanation explanation = router.explain(target);
    print(stdout, fmt::format("{}\n  rule  {}\n", target.to_string(), explanation.text));
    if (const Preset* preset = explanation.preset) {
      print(stdout,
            fmt::format("  hosts of preset:{}, checked on {}\n", preset->name, preset->checked));
    }
    print_upstreams(config, *explanation.route);
    if (explanation.route->denied()) continue;
    const auto permitted = check.target(target, AddressGuard::Egress::through_upstream);
    if (!permitted) {
      print(stdout, fmt::format("  but   {} {}\n", target.host, permitted.error().text));
    }
  }
  return 0;
}

int check(const CheckOptions&) {
  complain("check: walking the way to a target is not there yet");
  return 1;
}

}  // namespace culvert
