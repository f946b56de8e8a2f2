#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "setup/configured_proxy.h"

namespace culvert {

/// The settings of an .npmrc, as npm reads it; those of a [section] are none of npm's.  ${NAME}
/// stays as it is, and of a list (NAME[]=, one a line) the last one counts.
std::map<std::string, std::string> read_npm_settings(std::string_view text);

/// Whether npm has `value` in its file after it was given `given`: npm 9 ends a URL with a slash.
bool npm_wrote(std::string_view value, std::string_view given);

/// Where the first [section] begins, behind which npm finds nothing; the end if there is none.
std::size_t end_of_npm_settings(std::string_view text);

/// `text` without the lines that set one of `settings` to the value there.
std::string without_npm_settings(std::string_view text,
                                 const std::map<std::string, std::string>& settings);

/// What npm makes of these files, in the order in which it reads them.
void read_npm(std::span<const ConfigFile> files, ConfiguredProxy& configured);

}  // namespace culvert
