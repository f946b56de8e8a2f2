#pragma once

#include "setup/plan.h"

namespace culvert {

// Daemons that systemd starts, and that find their proxy in the environment.

Plan plan_docker(const SetupFacts& facts);
Plan plan_docker_rootless(const SetupFacts& facts);
Plan plan_containerd(const SetupFacts& facts);
Plan plan_crio(const SetupFacts& facts);
Plan plan_buildkit(const SetupFacts& facts);
Plan plan_k3s(const SetupFacts& facts);
Plan plan_registry(const SetupFacts& facts);

}  // namespace culvert
