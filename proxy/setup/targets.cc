#include "setup/targets.h"

#include <algorithm>
#include <array>

#include "setup/cache_target.h"
#include "setup/docker_json.h"
#include "setup/program_targets.h"
#include "setup/systemd_target.h"
#include "setup/unit_targets.h"

namespace culvert {
namespace {

constexpr auto kTargets = std::to_array<TargetPlan>({
    {"docker", plan_docker},
    {"docker-rootless", plan_docker_rootless},
    {"docker-client", plan_docker_client},
    {"containerd", plan_containerd},
    {"crio", plan_crio},
    {"podman", plan_podman},
    {"buildkit", plan_buildkit},
    {"k3s", plan_k3s},
    {"registry", plan_registry},
    {"apt", plan_apt},
    {"git", plan_git},
    {"npm", plan_npm},
    {"shell", plan_shell},
    {"systemd", plan_systemd},
    {"cache", plan_cache},
});

}  // namespace

std::span<const TargetPlan> setup_targets() { return kTargets; }

const TargetPlan* find_setup_target(std::string_view name) {
  const auto found = std::find_if(kTargets.begin(), kTargets.end(),
                                  [&](const TargetPlan& target) { return target.name == name; });
  return found == kTargets.end() ? nullptr : &*found;
}

}  // namespace culvert
