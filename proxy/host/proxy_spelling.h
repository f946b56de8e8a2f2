#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace culvert {

/// How the value of a proxy variable may be misspelt, and what was meant.

/// Without white space and quotes around it.
std::string_view without_quotes(std::string_view value);

/// `value` with its scheme once, and the slashes that belong behind it: of "http:/h:1" and
/// "http://https://h:1", "http://h:1".  The same as before where a scheme's name may be a host's.
std::string with_one_scheme(std::string_view value);

/// "http", "SOCKS5"
bool is_proxy_scheme(std::string_view text);

/// Where user, password and host begin: behind "SCHEME://", or at the beginning.
std::size_t behind_scheme(std::string_view value);

/// A '/', '?' or '#' stands before an '@': the host seems to end there, but what stands around it
/// may be a password.
bool has_cut_user(std::string_view value);

}  // namespace culvert
