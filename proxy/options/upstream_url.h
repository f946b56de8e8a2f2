#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "options/read_file.h"

namespace culvert {

/// Reads the value of `--upstream`: [NAME=]URL or [NAME=]direct.
///
/// Schemes are socks5 (socks5h and socks are the same: names are resolved by the proxy unless
/// ?resolve=local), socks4a (so is socks4; a server with SOCKS4 alone refuses names, which
/// ?resolve=local avoids), http, https and direct.  User and password are percent-decoded.
///
/// A port "{port}" is that of a tunnel: the result's `tunnel` is 1, and its name is "tunnel" if no
/// other is given.
///
/// Every problem found is appended to `problems` as "URL: what is wrong", never showing
/// credentials; the result is usable only if none was.  `via` is a name that resolve_via() looks
/// up.
UpstreamConfig parse_upstream(std::string_view value, std::vector<std::string>& problems,
                              ReadWhen when = ReadWhen::starting);

}  // namespace culvert
