#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "setup/configured_proxy.h"

namespace culvert {

/// The list `env` of the table [engine] of a containers.conf: variables of podman itself.
struct EngineEnv {
  std::vector<std::string> entries;  ///< "NAME=VALUE"
  /// {append=true}, since podman 5.0: the lists of earlier files are kept.  nullopt: not said.
  std::optional<bool> append;
};

/// nullopt if the file has none.
std::optional<EngineEnv> engine_env(std::string_view text);

/// What podman makes of these files, in the order in which it reads them: a list takes the place of
/// the one before.
void read_podman(std::span<const ConfigFile> files, ConfiguredProxy& configured);

/// The entries that podman has from `files` and that are no proxy variables.
std::vector<std::string> other_engine_env(std::span<const ConfigFile> files);

}  // namespace culvert
