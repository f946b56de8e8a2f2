#include "setup/proxy_readers.h"

#include <utility>

#include "setup/root.h"

namespace culvert {
namespace {

using enum SettingForm;

#define CULVERT_UNIT(name)                               \
  {variables, "/etc/systemd/system/" name ".service"}, { \
    variables, "/etc/systemd/system/" name ".service.d/" \
  }

constexpr auto kReaders = std::to_array<ProxyReader>({
    {"dockerd",
     "docker",
     "dockerd",
     "dockerd",
     false,
     {{CULVERT_UNIT("docker"),
       {variables, "/etc/default/docker"},
       {docker_json, "/etc/docker/daemon.json"}}}},
    {"docker client",
     "docker-client",
     "docker",
     "",
     true,
     {{{docker_json, "~/.docker/config.json"}}}},
    {"containerd", "containerd", "containerd", "containerd", false, {{CULVERT_UNIT("containerd")}}},
    {"crio",
     "crio",
     "crio",
     "crio",
     false,
     {{CULVERT_UNIT("crio"),
       {variables, "/etc/default/crio"},
       {variables, "/etc/sysconfig/crio"}}}},
    {"podman",
     "podman",
     "podman",
     "",
     false,
     {{{variables, "/etc/containers/containers.conf"},
       {variables, "/etc/containers/containers.conf.d/"},
       {variables, "~/.config/containers/containers.conf"},
       {variables, "~/.config/containers/containers.conf.d/"}}}},
    {"buildkitd", "buildkit", "buildkitd", "buildkitd", false, {{CULVERT_UNIT("buildkit")}}},
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
     {{CULVERT_UNIT("docker-registry")}}},
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

#undef CULVERT_UNIT

std::string place_in(const SetupFacts& facts, std::string_view path) {
  if (!path.starts_with("~/")) return std::string(path);
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

}  // namespace

std::span<const ProxyReader> proxy_readers() { return kReaders; }

ConfiguredProxy configured_proxy(const SetupFacts& facts, const ProxyReader& reader) {
  ConfiguredProxy configured;
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
