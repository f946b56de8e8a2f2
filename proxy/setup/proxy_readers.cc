#include "setup/proxy_readers.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/redact.h"
#include "base/text.h"
#include "setup/apt_conf.h"
#include "setup/containers_conf.h"
#include "setup/git_config.h"
#include "setup/npm_config.h"
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
     {{{podman, "/usr/share/containers/containers.conf"},
       {podman, "/etc/containers/containers.conf"},
       {podman, "/etc/containers/containers.conf.d/"},
       {podman, "~/.config/containers/containers.conf"},
       {podman, "~/.config/containers/containers.conf.d/"}}}},
    {"buildkitd", "buildkit", "buildkitd", "buildkitd", false, {}, {"buildkit"}},
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
     {},
     {"docker-registry"}},
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
    {"fish",
     "shell",
     "fish",
     "",
     false,
     {{{variables, "/etc/environment"},
       {variables, "~/.config/fish/conf.d/"},
       {variables, "/etc/fish/conf.d/"},
       {variables, "/etc/fish/config.fish"},
       {variables, "~/.config/fish/config.fish"}}}},
    {"zsh",
     "shell",
     "zsh",
     "",
     false,
     {{{variables, "/etc/environment"},
       {variables, "~/.zshenv"},
       {variables, "/etc/zsh/zprofile"},
       {variables, "/etc/zprofile"},
       {variables, "~/.zprofile"},
       {variables, "~/.zshrc"}}}},
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

/// Programs read names of their own ending only.
bool is_read(SettingForm form, std::string_view folder, std::string_view name) {
  if (name.starts_with('.')) return false;
  if (form == SettingForm::apt) return is_apt_conf_name(name);
  if (folder.ends_with("/fish/conf.d/")) return name.ends_with(".fish");
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

/// bash reads one of these at login, the first that there is.
bool is_login_file_behind_another(const SetupFacts& facts, std::string_view place) {
  constexpr auto kLogin =
      std::to_array<std::string_view>({"~/.bash_profile", "~/.bash_login", "~/.profile"});
  const auto at = std::find(kLogin.begin(), kLogin.end(), place);
  return at != kLogin.end() && std::any_of(kLogin.begin(), at, [&](std::string_view other) {
           return exists(facts.root, place_in(facts, other));
         });
}

/// Files of `~` are the user's own: podman reads them for him alone, not for root.
bool is_asked(const SetupFacts& facts, const ProxyReader::Place& place) {
  if (place.path.empty() || is_login_file_behind_another(facts, place.path)) return false;
  return place.form != SettingForm::podman || !facts.for_all_users || !place.path.starts_with('~');
}

FoundFile text_of(const SetupFacts& facts, const std::string& path, const FileEdit* edit) {
  if (edit == nullptr || edit->path != path) return find_file(facts.root, path);
  FoundFile found;
  found.content = edit->with;
  return found;
}

/// Docker's own address is that of the daemon that nearly all use, and others are worth a note.
void look_for_other_daemons(const ConfigFile& file, ConfiguredProxy& configured) {
  for (const std::string& daemon : daemons_with_own_proxy(file.text)) {
    const bool is_local = daemon.starts_with("unix://");
    std::string text = concat({printable(file.path), " has settings of its own for ",
                               printable(is_local ? daemon : redact_url(daemon))});
    if (is_local) {
      configured.mistake = text.append(", which count there in place of \"default\"");
    } else {
      configured.notes.push_back(std::move(text));
    }
  }
}

/// Files that are read one by one.
void read_each(std::span<const ConfigFile> files, ConfiguredProxy& configured) {
  for (const ConfigFile& file : files) {
    configured.put(file, proxy_settings(file.form, file.text));
    if (file.form == docker_json) look_for_other_daemons(file, configured);
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

/// Where the unit itself is not known, it is taken to be the package's, which reads this file.
void add_packaged_file(const SetupFacts& facts, const UnitName& unit, ConfiguredProxy& configured) {
  for (const std::string_view folder : {"/etc/default/", "/etc/sysconfig/"}) {
    const std::string path = concat({folder, unit.name});
    const auto text = find_file(facts.root, path).content;
    if (text) configured.put({path, variables, *text}, proxy_settings(variables, *text));
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
  if (!reader.unit.name.empty()) add_unit(facts, reader.unit, configured);
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
