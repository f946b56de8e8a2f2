#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "config/config.h"
#include "options/read_file.h"

namespace culvert {

/// Options that UpstreamConfig has no member for.
struct UpstreamOptions {
  std::optional<Secret> password;  ///< first line of ?password-file=
};

/// Reads the part of an upstream's URL after '?' into `upstream`, whose kind is set already.  Files
/// are checked for being readable.  Each problem is appended to `problems`.
UpstreamOptions parse_upstream_options(std::string_view query, UpstreamConfig& upstream,
                                       std::vector<std::string>& problems,
                                       ReadWhen when = ReadWhen::starting);

/// Whether `name` is an option of any kind of upstream.  None of them has a secret as its value.
bool is_upstream_option(std::string_view name);

}  // namespace culvert
