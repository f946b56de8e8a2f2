#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace culvert {

/// The variables that a process of this name hands to what pulls its images, of those with which it
/// was started.  k3s gives its containerd what begins with CONTAINERD_, and dockerd prefers
/// `daemon_json`, the text of its file.  `environment`: NAME=VALUE each.
std::vector<std::string> pulling_variables(std::string_view process,
                                           std::vector<std::string> environment,
                                           std::string_view daemon_json);

/// The variables among them that daemon.json sets: {"HTTPS_PROXY", "https_proxy", ...}.
std::vector<std::string> set_by_daemon_json(std::string_view daemon_json);

}  // namespace culvert
