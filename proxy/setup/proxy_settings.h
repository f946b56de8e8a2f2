#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// How a file says which proxy its program uses.
enum class SettingForm : std::uint8_t {
  variables,    ///< NAME=VALUE, in a unit, a shell's file
  k3s,          ///< the same; CONTAINERD_NAME=VALUE counts more
  docker_json,  ///< "proxies" of dockerd or docker
  git,          ///< git_config.h
  npm,          ///< npm_config.h
  apt,          ///< apt_conf.h
  podman,       ///< containers_conf.h
};

/// http_proxy, https_proxy, no_proxy or all_proxy, in whatever case.
bool is_proxy_variable(std::string_view name);

/// The proxy settings of a file, as variables of an environment:
/// "HTTPS_PROXY=http://127.0.0.1:3128". Of two for one variable the later counts.  What is computed
/// ($NAME) is left out.  Only of the forms up to docker_json, whose files are read one by one.
std::vector<std::string> proxy_settings(SettingForm form, std::string_view text);

/// Of the file of docker's client: the addresses of daemons for which it has settings that differ
/// from its "default", and that count in place of all of that.
std::vector<std::string> daemons_with_own_proxy(std::string_view text);

/// k3s starts its containerd with the value of CONTAINERD_HTTPS_PROXY as HTTPS_PROXY: so changes
/// `environment`.
void hand_on_to_containerd(std::vector<std::string>& environment);

/// Adds `more` to `environment`; where both have a variable, that of `more` counts.
void add_settings(std::vector<std::string>& environment, std::vector<std::string> more);

}  // namespace culvert
