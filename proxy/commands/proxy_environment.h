#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// A program's environment in which all its clients use our proxy, and no other.
struct ProxyEnvironment {
  std::vector<std::string> variables;  ///< as NAME=VALUE
  std::string remark;                  ///< what the user may not expect, a sentence; or empty
};

/// `before` with the proxy at `url` ("http://127.0.0.1:3128"):
///
///   - HTTP_PROXY and HTTPS_PROXY, in small letters too, name it;
///   - NO_PROXY and no_proxy are what both said before, and localhost,127.0.0.1; but not `*`, by
///     which nothing would use it;
///   - variables that clients prefer to these are taken out, or name it if they are a client's own;
///   - clients that go by no environment unless they are told to are told to;
///   - nothing of CULVERT_*, which may hold passwords.
///
/// Not changed is REQUEST_METHOD: where it is set, Go and others take HTTP_PROXY for a field of a
/// CGI request, and ignore it; http_proxy is not.
ProxyEnvironment proxy_environment(const std::vector<std::string>& before, std::string_view url);

}  // namespace culvert
