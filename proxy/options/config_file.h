#pragma once

#include <string>
#include <string_view>

#include "options/read_file.h"
#include "options/settings.h"

namespace culvert {

/// A file of `flag = value` lines, the value an array for a repeatable flag (see toml.h).
Source read_config_file(const std::string& path, ReadWhen when);

/// As above, from the file's content; `path` is for problems.
Source read_config_text(std::string_view text, std::string_view path);

}  // namespace culvert
