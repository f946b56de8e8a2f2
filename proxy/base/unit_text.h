#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// A word of `Environment=` in a systemd unit, "NAME=value" in quotes (systemd.syntax(7)): '%'
/// would begin a specifier.
std::string quote_unit_environment(std::string_view name, std::string_view value);

}  // namespace culvert
