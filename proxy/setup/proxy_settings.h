#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// How a file says which proxy its program uses.
enum class SettingForm : std::uint8_t {
  variables,    ///< NAME=VALUE, in a unit, a shell's file, containers.conf
  docker_json,  ///< "proxies" of dockerd or docker
  git,          ///< proxy = URL
  npm,          ///< https-proxy=URL
  apt,          ///< Acquire::https::Proxy "URL";
};

/// The proxy settings of a file, as variables of an environment:
/// "HTTPS_PROXY=http://127.0.0.1:3128". Of two for one variable the later counts.  What is computed
/// ($NAME) is left out.
std::vector<std::string> proxy_settings(SettingForm form, std::string_view text);

/// Adds `more` to `environment`; where both have a variable, that of `more` counts.
void add_settings(std::vector<std::string>& environment, std::vector<std::string> more);

}  // namespace culvert
