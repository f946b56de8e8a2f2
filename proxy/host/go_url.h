#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace culvert {

/// What Go programs read of a URL.
struct GoUrl {
  std::string scheme;     ///< in lower case; empty: none
  std::string authority;  ///< host and port, without user and password; empty: none
  bool has_user = false;
};

/// As net/url's Parse() of Go reads `text`; nullopt where that returns an error.
std::optional<GoUrl> parse_go_url(std::string_view text);

/// The same as golang.org/x/net/http/httpproxy reads the value of a proxy variable: "host:port" is
/// an http:// URL.  nullopt: it is silently ignored.
std::optional<GoUrl> parse_go_proxy(std::string_view value);

}  // namespace culvert
