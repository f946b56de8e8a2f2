#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "setup/configured_proxy.h"

namespace culvert {

/// One setting of git: http.https://host.proxy = value.
struct GitSetting {
  std::string section;     ///< in lower case: "http"
  std::string subsection;  ///< "https://host"; empty: none
  std::string name;        ///< in lower case: "proxy"
  std::string value;       ///< without quotes and comments; empty if it stands alone
};

/// The settings of a file, in their order (git-config(1), "Syntax").
std::vector<GitSetting> read_git_settings(std::string_view text);

/// Finds the file that an `include.path` names; nullopt if there is none.
using FindGitFile = std::function<std::optional<ConfigFile>(const std::string& path)>;

/// What git makes of these files, in the order in which it reads them.  `home` is what "~" stands
/// for.
void read_git(std::span<const ConfigFile> files, const std::string& home, const FindGitFile& find,
              ConfiguredProxy& configured);

}  // namespace culvert
