#include "setup/proxy_readers.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "setup/root.h"
#include "setup/unit_environment.h"

namespace culvert {
namespace {

using enum SettingForm;

constexpr auto kReaders = std::to_array<ProxyReader>({
    {"dockerd",
     "docker",
     "dockerd",
     "dockerd",
     false,
     {{{docker_json, "/etc/docker/daemon.json"}}},
     {"docker"}},
    {"rootless dockerd",
     "docker-rootless",
     "dockerd-rootless.sh",
     "dockerd",
     false,
     {{{docker_json, "~/.config/docker/daemon.json"}}},
     {"docker", true}},
    {"docker client",
     "docker-client",
     "docker",
     "",
     true,
     {{{docker_json, "~/.docker/config.json"}}}},
    {"containerd", "containerd", "containerd", "containerd", false, {}, {"containerd"}},
    {"crio", "crio", "crio", "crio", false, {}, {"crio"}},
    {"podman",
     "podman",
     "podman",
     "",
     false,
     {{{variables, "/etc/containers/containers.conf"},
       {variables, "/etc/containers/containers.conf.d/"},
       {variables, "~/.config/containers/containers.conf"},
       {variables, "~/.config/containers/containers.conf.d/"}}}},
    {"buildkitd", "buildkit", "buildkitd", "buildkitd", false, {}, {"buildkit"}},
    {"k3s",
     "k3s",
     "k3s",
     "k3s-server",
     false,
     {{{variables, "/etc/systemd/system/k3s-agent.service.env"},
       {variables, "/etc/systemd/system/k3s.service.env"}}}},
    {"docker-registry",
     "registry",
     "docker-registry",
     "docker-registry",
     false,
     {},
     {"docker-registry"}},
    {"apt",
     "apt",
     "apt-get",
     "",
     false,
     {{{apt, "/etc/apt/apt.conf"}, {apt, "/etc/apt/apt.conf.d/"}}}},
    {"git",
     "git",
     "git",
     "",
     false,
     {{{git, "/etc/gitconfig"}, {git, "~/.config/git/config"}, {git, "~/.gitconfig"}}}},
    {"npm", "npm", "npm", "", false, {{{npm, "/etc/npmrc"}, {npm, "~/.npmrc"}}}},
    {"shell",
     "shell",
     "",
     "",
     false,
     {{{variables, "/etc/environment"},
       {variables, "/etc/profile.d/"},
       {variables, "~/.profile"},
       {variables, "~/.bash_profile"},
       {variables, "~/.bashrc"}}}},
});

std::string place_in(const SetupFacts& facts, std::string_view path) {
  constexpr std::string_view kConfig = "~/.config/";
  constexpr std::string_view kDocker = "~/.docker/";
  if (!path.starts_with("~/")) return std::string(path);
  if (path.starts_with(kConfig)) {
    return concat({facts.user.config_home(), "/", path.substr(kConfig.size())});
  }
  if (path.starts_with(kDocker)) {
    return concat({facts.user.docker_config(), "/", path.substr(kDocker.size())});
  }
  return facts.user.home + std::string(path.substr(1));
}

void add_file(const SetupFacts& facts, SettingForm form, const std::string& path,
              ConfiguredProxy& configured) {
  const FoundFile found = find_file(facts.root, path);
  if (!found.problem.empty()) configured.unreadable = path + ": " + found.problem;
  if (!found.content) return;
  std::vector<std::string> settings = proxy_settings(form, *found.content);
  if (settings.empty()) return;
  add_settings(configured.environment, std::move(settings));
  configured.path = path;
  configured.form = form;
}

/// systemd and others read names of their own ending only.
bool is_read(std::string_view name) {
  return !name.starts_with('.') && (name.ends_with(".conf") || name.ends_with(".sh") ||
                                    name.find('.') == std::string_view::npos);
}

bool is_proxy_variable(std::string_view name) {
  constexpr auto kAll =
      std::to_array<std::string_view>({"http_proxy", "https_proxy", "no_proxy", "all_proxy"});
  return std::find(kAll.begin(), kAll.end(), to_lower(name)) != kAll.end();
}

/// Where the unit itself is not known, it is taken to be the package's, which reads this file.
void add_packaged_file(const SetupFacts& facts, const UnitName& unit, ConfiguredProxy& configured) {
  for (const std::string_view folder : {"/etc/default/", "/etc/sysconfig/"}) {
    add_file(facts, variables, concat({folder, unit.name}), configured);
  }
}

void add_unit(const SetupFacts& facts, const UnitName& unit, ConfiguredProxy& configured) {
  UnitEnvironment environment = unit_environment(facts, unit);
  configured.unreadable = std::move(environment.unreadable);
  for (const UnitVariable& variable : environment.variables) {
    if (!is_proxy_variable(variable.name)) continue;
    add_settings(configured.environment, {concat({variable.name, "=", variable.value})});
    if (configured.path.empty() || to_lower(variable.name) == "https_proxy") {
      configured.path = variable.path;
    }
  }
  if (!environment.found && !unit.of_user) add_packaged_file(facts, unit, configured);
}

}  // namespace

std::span<const ProxyReader> proxy_readers() { return kReaders; }

ConfiguredProxy configured_proxy(const SetupFacts& facts, const ProxyReader& reader) {
  ConfiguredProxy configured;
  if (!reader.unit.name.empty()) add_unit(facts, reader.unit, configured);
  for (const ProxyReader::Place& place : reader.places) {
    if (place.path.empty()) continue;
    const std::string path = place_in(facts, place.path);
    if (!path.ends_with('/')) {
      add_file(facts, place.form, path, configured);
      continue;
    }
    for (const std::string& name : names_in(facts.root, path)) {
      if (is_read(name)) add_file(facts, place.form, path + name, configured);
    }
  }
  return configured;
}

}  // namespace culvert
