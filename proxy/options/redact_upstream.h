#pragma once

#include <string>
#include <string_view>

namespace culvert {

/// The value of --upstream as a message may repeat it: as redact_url() has it, and behind the '?'
/// the values of the options that culvert knows, unless a password may reach that far.
std::string redact_upstream(std::string_view url);

/// "NAME=VALUE" of one option, the value as typed, or hidden.  `query` is all that stands behind
/// the '?'.
std::string redact_option(std::string_view name, std::string_view value, std::string_view query);

/// An '@' in it says that all before may be a password, unless it stands in the path of a file.
bool may_be_password(std::string_view query);

}  // namespace culvert
