#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// The names of the shells that completions() knows.
std::vector<std::string_view> completion_shells();

/// A script with which `shell` completes culvert's commands, flags and values.  Empty for a shell
/// that is not known.
std::string completions(std::string_view shell);

}  // namespace culvert
