#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// The value of --upstream for a message: redact_url() of it, and after the '?' the values of known
/// options, unless they may be part of a password.
std::string redact_upstream(std::string_view url);

/// A valid value of --upstream that has a password, with "***" in place of user and password, else
/// to the byte.  nullopt without a password: a user alone is no secret.
std::optional<std::string> with_login_hidden(std::string_view url);

/// "NAME=VALUE" of one option, the value as typed, or hidden.  `query` is everything after the '?'.
std::string redact_option(std::string_view name, std::string_view value, std::string_view query);

/// An '@' in it means that everything before may be a password, unless it is in the path of a file,
/// which ends before a '#'.
bool may_be_password(std::string_view query);

}  // namespace culvert
