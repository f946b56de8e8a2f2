#pragma once

#include <string>
#include <string_view>

#include "base/host_port.h"

namespace culvert {

/// Where the engine's settings are.
inline constexpr std::string_view kDockerFolder = "/etc/docker";

/// Whether the text of docker's daemon.json lists `registry` in insecure-registries, by name or as
/// a block of addresses; of loopback addresses docker believes it anyway.  Such a registry may
/// speak plain HTTP.
bool is_insecure_registry(std::string_view daemon_json, const HostPort& registry);

/// The CA that docker trusts for this registry beside the system's: the first *.crt of
/// FOLDER/certs.d/HOST[:PORT]; empty if there is none.
std::string docker_ca_file(const std::string& folder, const HostPort& registry);

/// The certificate and key that docker shows this registry: the first NAME.cert there that has a
/// NAME.key beside it; empty if there is none.
struct DockerClientFiles {
  std::string cert, key;
};
DockerClientFiles docker_client_files(const std::string& folder, const HostPort& registry);

/// The name of that directory: the registry as images name it.
std::string docker_host(const HostPort& registry);

/// What its daemon.json holds, in FOLDER as a process sees it whose root that is; empty if it
/// cannot be read.
std::string read_daemon_json(std::string_view root, std::string_view folder);

}  // namespace culvert
