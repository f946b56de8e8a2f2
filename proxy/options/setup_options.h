#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "config/given_listener.h"

namespace culvert {

/// `culvert setup TARGET... [options]` and `culvert setup cache HOST:PORT --registry REGISTRY`
struct SetupOptions {
  enum class Action {
    print,    ///< what would be written, where, and what must be restarted
    dry_run,  ///< a diff
    install,
    uninstall,
    check,  ///< the table of who uses which proxy
  };
  Action action = Action::print;
  std::vector<std::string> targets;  ///< "docker", ...; known names, each once
  bool has(std::string_view target) const {
    return std::find(targets.begin(), targets.end(), target) != targets.end();
  }
  std::string root = "/";  ///< --root
  /// Its files are not judged as those of this machine.
  bool is_elsewhere() const { return root != "/"; }
  std::vector<GivenListener> listen;    ///< --listen: where culvert listens, or shall
  std::string no_proxy;                 ///< --no-proxy; empty: the default list
  bool bridge = false;                  ///< --bridge
  bool daemon_json = false;             ///< --daemon-json, for `docker`
  std::optional<HostPort> cache;        ///< setup cache HOST:PORT
  std::vector<std::string> registries;  ///< --registry, for `cache`
  /// The other options (--upstream, --route, ...), which `setup systemd` writes into the
  /// configuration file of the service, as (key, values), in the order of --help.
  std::vector<std::pair<std::string, std::vector<std::string>>> service;
};

}  // namespace culvert
