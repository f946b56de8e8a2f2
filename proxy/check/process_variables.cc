#include "check/process_variables.h"

#include <array>
#include <optional>

#include "base/json.h"

namespace culvert {
namespace {

struct Member {
  std::string_view name;
  std::array<std::string_view, 2> variables;
};
constexpr auto kMembers = std::to_array<Member>({
    {"http-proxy", {"HTTP_PROXY", "http_proxy"}},
    {"https-proxy", {"HTTPS_PROXY", "https_proxy"}},
    {"no-proxy", {"NO_PROXY", "no_proxy"}},
});

/// What `proxies` in daemon.json has there; nullopt or empty: nothing.
std::optional<std::string> member_of(const Json& daemon, const Member& member) {
  return daemon.at("proxies").at(member.name).text();
}

/// Since Engine 23.0.
void add_daemon_json(std::string_view text, std::vector<std::string>& first) {
  const auto daemon = Json::parse(text);
  if (!daemon) return;
  for (const Member& member : kMembers) {
    const auto value = member_of(*daemon, member);
    if (!value || value->empty()) continue;
    for (const std::string_view name : member.variables) {
      first.push_back(std::string(name).append("=").append(*value));
    }
  }
}

void add_for_containerd(const std::vector<std::string>& environment,
                        std::vector<std::string>& first) {
  constexpr std::string_view kPrefix = "CONTAINERD_";
  for (const std::string& variable : environment) {
    if (variable.starts_with(kPrefix)) first.push_back(variable.substr(kPrefix.size()));
  }
}

}  // namespace

std::vector<std::string> pulling_variables(std::string_view process,
                                           std::vector<std::string> environment,
                                           std::string_view daemon_json) {
  // Of two values the first one counts.
  std::vector<std::string> first;
  if (process == "dockerd") add_daemon_json(daemon_json, first);
  if (process.starts_with("k3s")) add_for_containerd(environment, first);
  environment.insert(environment.begin(), first.begin(), first.end());
  return environment;
}

std::vector<std::string> set_by_daemon_json(std::string_view daemon_json) {
  std::vector<std::string> set;
  add_daemon_json(daemon_json, set);
  for (std::string& variable : set) variable.resize(variable.find('='));
  return set;
}

}  // namespace culvert
