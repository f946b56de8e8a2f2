#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "policy/no_proxy.h"

namespace culvert {

/// A proxy as a variable names it.
struct NamedProxy {
  std::string variable;  ///< "HTTPS_PROXY"
  std::string scheme;    ///< "http" if the value has none
  std::string host;      ///< as Go connects to it; quotes in the value are part of it
  std::uint16_t port = 0;
  bool has_user = false;

  /// "http://127.0.0.1:3128": as a variable has it, without credentials.
  std::string url() const;
  /// The same in `scheme`, to be set: "http://USER:PASSWORD@127.0.0.1:3128" where it has some.
  std::string url_to_set(std::string_view scheme) const;
  /// nullopt if there is no such host.
  std::optional<HostPort> address() const;
};

/// What is wrong with the value of a variable.
struct ProxyMistake {
  std::string variable;  ///< that has to be changed: "https_proxy"
  std::string cause;     ///< a sentence without credentials
  std::string right;     ///< what the variable should be; empty: it should not be set
  /// It is one only if what listens there speaks plain HTTP.
  bool unless_tls = false;
  std::string hint{};  ///< how the placeholders in `right` are filled in; mostly empty

  /// A line for a shell: "export https_proxy=http://127.0.0.1:3128", "unset ALL_PROXY".
  std::string shell_line() const;
};

/// One line for all of them.
std::string shell_lines(std::span<const ProxyMistake> mistakes);

/// The proxy variables of an environment, read as Go programs (docker, containerd, registry) read
/// them: golang.org/x/net/http/httpproxy.
struct ProxyVariables {
  std::optional<NamedProxy> https;  ///< for https:// URLs; nullopt: these are requested directly
  std::optional<NamedProxy> http;   ///< for http:// URLs
  NoProxy no_proxy;
  std::string no_proxy_variable;  ///< "NO_PROXY" or "no_proxy", which was read; empty: none is set
  std::string no_proxy_list;      ///< its value
  bool no_proxy_has_rival = false;  ///< no_proxy is set as well as NO_PROXY
  bool cgi = false;                 ///< REQUEST_METHOD is set
  bool given = false;               ///< a variable that names a proxy is set, if only ALL_PROXY
  std::vector<ProxyMistake> mistakes;
  std::vector<std::string> notes;  ///< what is no mistake, but may surprise; one line each

  const std::optional<NamedProxy>& proxy_for(bool tls) const { return tls ? https : http; }
};

/// `environment`: NAME=VALUE each.  `right` is the URL that a variable should have where its value
/// does not tell: "http://127.0.0.1:3128".
ProxyVariables read_proxy_variables(std::span<const std::string> environment,
                                    std::string_view right);

/// What is wrong for this target: NO_PROXY takes it out, or only the other kind of URL has a proxy.
/// Nothing is for loopback, to which Go programs never use one.
std::optional<ProxyMistake> mistake_for_target(const ProxyVariables& variables,
                                               const HostPort& target, bool tls);

}  // namespace culvert
