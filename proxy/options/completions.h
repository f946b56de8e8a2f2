#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// The names of the supported shells.
std::vector<std::string_view> completion_shells();

/// A script with which `shell` completes culvert's commands, flags and values.  Empty for another
/// shell.
std::string completions(std::string_view shell);

}  // namespace culvert
