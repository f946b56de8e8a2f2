#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "setup/configured_proxy.h"

namespace culvert {

/// The options of apt, by their whole names in lower case: "acquire::http::proxy".
struct AptOption {
  std::string value;  ///< empty: as if it was not set
  std::string path;   ///< of the file that says so
};
using AptOptions = std::map<std::string, AptOption>;

/// Adds what a file says to what earlier ones said (apt.conf(5)).  The file of an
/// `#include` is not read, but named.
void read_apt_file(const ConfigFile& file, AptOptions& options);

/// What apt makes of these files, in the order in which it reads them.  https has http's proxy
/// unless it has its own.
void read_apt(std::span<const ConfigFile> files, ConfiguredProxy& configured);

/// The option that makes apt ask a command for its proxy, which wins over all others; nullopt if
/// there is none.
std::optional<std::pair<std::string, AptOption>> apt_auto_detect(const AptOptions& options);

/// A name that apt reads in apt.conf.d.
bool is_apt_conf_name(std::string_view name);

}  // namespace culvert
