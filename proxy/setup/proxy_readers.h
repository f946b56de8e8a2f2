#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "setup/configured_proxy.h"
#include "setup/plan.h"
#include "setup/proxy_settings.h"
#include "setup/unit_file.h"

namespace culvert {

/// A program that uses a proxy, and where it reads which.
struct ProxyReader {
  struct Place {
    SettingForm form = SettingForm::variables;
    std::string_view path;  ///< "~/" is the home folder; a folder ends in '/'; empty: none
  };
  std::string_view name;          ///< as it is shown
  std::string_view target;        ///< of `culvert setup`
  std::string_view program;       ///< whose presence says that it is installed
  std::string_view process;       ///< the name of its process; empty if it does not last
  bool in_containers = false;     ///< it is for containers, in which 127.0.0.1 is another
  std::array<Place, 6> places{};  ///< the later counts
  UnitName unit{};                ///< whose environment counts less than all places; empty: none
};

/// In the order in which they are shown.
std::span<const ProxyReader> proxy_readers();

/// Of the target; nullptr if it has none.
const ProxyReader* find_proxy_reader(std::string_view target);

/// What the program's files say; with `edit`, what they will say once that is installed.
ConfiguredProxy configured_proxy(const SetupFacts& facts, const ProxyReader& reader,
                                 const FileEdit* edit = nullptr);

/// The files themselves, in the order in which the program reads them.
std::vector<ConfigFile> config_files(const SetupFacts& facts, const ProxyReader& reader,
                                     const FileEdit* edit, std::string& unreadable);

}  // namespace culvert
