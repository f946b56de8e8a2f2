#include "check/docker_trust.h"

#include <dirent.h>

#include <algorithm>
#include <vector>

#include "base/ip_address.h"
#include "base/json.h"
#include "base/text.h"
#include "host/rooted_file.h"

namespace culvert {
namespace {

bool is_loopback(const HostPort& registry) {
  if (registry.host == "localhost") return true;
  return registry.ip && registry.ip->is_loopback();
}

bool lists(const std::string& entry, const HostPort& registry) {
  if (const auto block = Cidr::parse(entry)) return registry.ip && block->contains(*registry.ip);
  const std::string lower = to_lower(entry);
  return lower == registry.host || lower == registry.to_string();
}

std::string directory_of(const std::string& folder, const HostPort& registry) {
  return folder + "/certs.d/" + docker_host(registry);
}

/// Their names, in order.
std::vector<std::string> files_in(const std::string& path, std::string_view ending) {
  std::vector<std::string> found;
  DIR* const directory = opendir(path.c_str());
  if (directory == nullptr) return found;
  while (const dirent* const entry = readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(ending)) found.emplace_back(name);
  }
  closedir(directory);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

bool is_insecure_registry(std::string_view daemon_json, const HostPort& registry) {
  if (is_loopback(registry)) return true;
  const auto json = Json::parse(daemon_json);
  if (!json) return false;
  for (const Json& entry : json->at("insecure-registries").elements()) {
    if (lists(entry.text().value_or(""), registry)) return true;
  }
  return false;
}

std::string docker_host(const HostPort& registry) {
  if (registry.port == 443) return registry.host;
  return registry.to_string();
}

std::string docker_ca_file(const std::string& folder, const HostPort& registry) {
  const std::string path = directory_of(folder, registry);
  const std::vector<std::string> found = files_in(path, ".crt");
  return found.empty() ? std::string() : path + "/" + found.front();
}

DockerClientFiles docker_client_files(const std::string& folder, const HostPort& registry) {
  const std::string path = directory_of(folder, registry) + "/";
  const std::vector<std::string> keys = files_in(path, ".key");
  for (const std::string& cert : files_in(path, ".cert")) {
    std::string key = cert.substr(0, cert.rfind('.'));
    key += ".key";
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) {
      return {path + cert, path + key};
    }
  }
  return {};
}

std::string read_daemon_json(std::string_view root, std::string_view folder) {
  return find_file(root, concat({folder, "/daemon.json"})).content.value_or("");
}

}  // namespace culvert
