#pragma once

#include <string>
#include <string_view>

#include "options/read_file.h"
#include "options/settings.h"

namespace culvert {

/// A file of `flag = value` lines, the value an array for a repeatable flag (see toml.h).  That it
/// cannot be read is a problem of `origin`, which names it.
Source read_config_file(const std::string& path, std::string_view origin, ReadWhen when);

/// As above, from the file's content; `path` is for problems.
Source read_config_text(std::string_view text, std::string_view path);

}  // namespace culvert
