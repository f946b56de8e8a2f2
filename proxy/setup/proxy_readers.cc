#include "setup/proxy_readers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "setup/apt_conf.h"
#include "setup/containers_conf.h"
#include "setup/git_config.h"
#include "setup/npm_config.h"
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
     {{{podman, "/usr/share/containers/containers.conf"},
       {podman, "/etc/containers/containers.conf"},
       {podman, "/etc/containers/containers.conf.d/"},
       {podman, "~/.config/containers/containers.conf"},
       {podman, "~/.config/containers/containers.conf.d/"}}}},
    {"buildkitd", "buildkit", "buildkitd", "buildkitd", false, {{CULVERT_UNIT("buildkit")}}},
    {"k3s",
     "k3s",
     "k3s",
     "k3s-server",
     false,
     {{{k3s, "/etc/default/k3s-agent"},
       {k3s, "/etc/sysconfig/k3s-agent"},
       {k3s, "/etc/systemd/system/k3s-agent.service.env"},
       {k3s, "/etc/default/k3s"},
       {k3s, "/etc/sysconfig/k3s"},
       {k3s, "/etc/systemd/system/k3s.service.env"}}}},
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
     {{{apt, "/etc/apt/apt.conf.d/"}, {apt, "/etc/apt/apt.conf"}}}},
    {"git",
     "git",
     "git",
     "",
     false,
     {{{git, "/etc/gitconfig"}, {git, "~/.config/git/config"}, {git, "~/.gitconfig"}}}},
    {"npm",
     "npm",
     "npm",
     "",
     false,
     {{{npm, "/etc/npmrc"}, {npm, "/usr/etc/npmrc"}, {npm, "~/.npmrc"}}}},
    {"shell",
     "shell",
     "",
     "",
     false,
     {{{variables, "/etc/environment"},
       {variables, "/etc/profile.d/"},
       {variables, "~/.profile"},
       {variables, "~/.bash_login"},
       {variables, "~/.bash_profile"},
       {variables, "~/.bashrc"}}}},
});

#undef CULVERT_UNIT

std::string place_in(const SetupFacts& facts, std::string_view path) {
  if (!path.starts_with("~/")) return std::string(path);
  return facts.user.home + std::string(path.substr(1));
}

/// Programs read names of their own ending only.
bool is_read(SettingForm form, std::string_view folder, std::string_view name) {
  if (name.starts_with('.')) return false;
  if (form == SettingForm::apt) return is_apt_conf_name(name);
  return name.ends_with(folder.ends_with("/profile.d/") ? ".sh" : ".conf");
}

/// The paths of a place's files, in their order.
std::vector<std::string> paths_of(const SetupFacts& facts, const ProxyReader::Place& place,
                                  const FileEdit* edit) {
  const std::string path = place_in(facts, place.path);
  if (!path.ends_with('/')) return {path};
  std::vector<std::string> paths;
  for (const std::string& name : names_in(facts.root, path)) {
    if (is_read(place.form, path, name)) paths.push_back(path + name);
  }
  if (edit != nullptr && edit->path.starts_with(path)) {
    paths.push_back(edit->path);
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  }
  return paths;
}

/// Files of `~` are the user's own: podman reads them for him alone, not for root.
bool is_asked(const SetupFacts& facts, const ProxyReader::Place& place) {
  if (place.path.empty()) return false;
  return place.form != SettingForm::podman || !facts.for_all_users || !place.path.starts_with('~');
}

FoundFile text_of(const SetupFacts& facts, const std::string& path, const FileEdit* edit) {
  if (edit == nullptr || edit->path != path) return find_file(facts.root, path);
  FoundFile found;
  found.content = edit->with;
  return found;
}

/// Files that are read one by one.
void read_each(std::span<const ConfigFile> files, ConfiguredProxy& configured) {
  for (const ConfigFile& file : files) {
    configured.put(file, proxy_settings(file.form, file.text));
  }
  if (configured.form == SettingForm::k3s) hand_on_to_containerd(configured.environment);
}

void read_all_git(const SetupFacts& facts, std::span<const ConfigFile> files,
                  ConfiguredProxy& configured) {
  const FindGitFile find = [&](const std::string& path) -> std::optional<ConfigFile> {
    auto found = find_file(facts.root, path);
    if (!found.content) return std::nullopt;
    return ConfigFile{path, git, std::move(*found.content)};
  };
  read_git(files, facts.user.home, find, configured);
}

}  // namespace

void ConfiguredProxy::put(const ConfigFile& file, std::vector<std::string> settings) {
  const auto names_proxy = [](const std::string& setting) {
    return to_lower(setting).find("no_proxy=") == std::string::npos;
  };
  if (settings.empty()) return;
  if (path.empty() || std::any_of(settings.begin(), settings.end(), names_proxy)) {
    path = file.path;
    form = file.form;
  }
  add_settings(environment, std::move(settings));
}

std::span<const ProxyReader> proxy_readers() { return kReaders; }

const ProxyReader* find_proxy_reader(std::string_view target) {
  const auto found = std::find_if(kReaders.begin(), kReaders.end(), [&](const ProxyReader& reader) {
    return reader.target == target;
  });
  return found == kReaders.end() ? nullptr : &*found;
}

std::vector<ConfigFile> config_files(const SetupFacts& facts, const ProxyReader& reader,
                                     const FileEdit* edit, std::string& unreadable) {
  std::vector<ConfigFile> files;
  for (const ProxyReader::Place& place : reader.places) {
    if (!is_asked(facts, place)) continue;
    for (const std::string& path : paths_of(facts, place, edit)) {
      FoundFile found = text_of(facts, path, edit);
      if (!found.problem.empty()) unreadable = path + ": " + found.problem;
      if (found.content) files.push_back({path, place.form, std::move(*found.content)});
    }
  }
  return files;
}

ConfiguredProxy configured_proxy(const SetupFacts& facts, const ProxyReader& reader,
                                 const FileEdit* edit) {
  ConfiguredProxy configured;
  const auto files = config_files(facts, reader, edit, configured.unreadable);
  switch (reader.places.front().form) {
    case apt:
      read_apt(files, configured);
      break;
    case git:
      read_all_git(facts, files, configured);
      break;
    case npm:
      read_npm(files, configured);
      break;
    case podman:
      read_podman(files, configured);
      break;
    default:
      read_each(files, configured);
  }
  return configured;
}

}  // namespace culvert
