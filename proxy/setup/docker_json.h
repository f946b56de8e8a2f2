#pragma once

#include <string>

#include "setup/plan.h"

namespace culvert {

/// `setup docker-client`: what `docker` puts into the environment of builds and containers.
Plan plan_docker_client(const SetupFacts& facts);

/// `setup docker --daemon-json`: dockerd's own file instead of its unit.
Plan plan_docker_daemon(const SetupFacts& facts);

/// dockerd's own file is to be used without being asked: there is no systemd.
bool wants_daemon_json(const SetupFacts& facts);

/// Takes out what is ours of the `proxies` in dockerd's own file, for a plan that puts them
/// elsewhere.  No file to be changed is empty.
void leave_daemon_json(const SetupFacts& facts, const std::string& path, Plan& plan);

}  // namespace culvert
