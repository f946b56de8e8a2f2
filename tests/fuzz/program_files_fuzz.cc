// The files of apt, git, npm and podman, whatever is in them: what is read of them comes from them.
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/fuzz.h"
#include "setup/apt_conf.h"
#include "setup/containers_conf.h"
#include "setup/git_config.h"
#include "setup/npm_config.h"

using namespace culvert;

namespace {

/// No longer than the file, but for the name of the variable, of which there are two a setting.
void check(const ConfiguredProxy& configured, std::size_t size) {
  for (const std::string& variable : configured.environment) {
    FUZZ_CHECK(variable.size() <= size + 16);
  }
}

void check_npm(const std::string& text) {
  const auto settings = read_npm_settings(text);
  const std::string rest = without_npm_settings(text, settings);
  FUZZ_CHECK(end_of_npm_settings(text) <= text.size());
  FUZZ_CHECK(rest.size() <= text.size());
  FUZZ_CHECK(without_npm_settings(text, {}) == text);
  ConfiguredProxy configured;
  read_npm(std::vector<ConfigFile>{{"/f", SettingForm::npm, text}}, configured);
  check(configured, text.size());
}

void check_git(const std::string& text) {
  const std::vector<ConfigFile> files = {{"/f", SettingForm::git, text}};
  ConfiguredProxy configured;
  int included = 0;
  read_git(
      files, "/home",
      [&](const std::string& path) -> std::optional<ConfigFile> {
        FUZZ_CHECK(path.starts_with('/'));
        if (++included > 3) return std::nullopt;
        return ConfigFile{path, SettingForm::git, text};
      },
      configured);
  check(configured, text.size());
}

}  // namespace

FUZZ_TARGET(program_files) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ConfiguredProxy apt;
  read_apt(std::vector<ConfigFile>{{"/f", SettingForm::apt, text}}, apt);
  check(apt, size);
  ConfiguredProxy podman;
  read_podman(std::vector<ConfigFile>{{"/f", SettingForm::podman, text}}, podman);
  check(podman, size);
  check_git(text);
  check_npm(text);
}
