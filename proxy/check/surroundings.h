#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "check/port_look.h"
#include "check/report.h"
#include "check/walk.h"
#include "host/proxy_variables.h"

namespace culvert {

/// A target, as far as variables decide about it.
struct VariablesFor {
  std::optional<HostPort> target;  ///< nullopt: none in particular
  bool tls = true;
};

/// What surrounds this machine's way to any target: the configuration, the proxy variables of a
/// process, and who listens where these point.  Steps `config`, `environment` and `listener`.
class Surroundings {
 public:
  /// `pid`: whose variables; nullopt: our own.
  Surroundings(Walk& walk, std::optional<int> pid);

  CheckStep config_step() const;
  CheckStep environment_step(const VariablesFor& asked);
  /// nullopt: clients go past any listener.
  std::optional<CheckStep> listener_step(const VariablesFor& asked);

 private:
  std::string subject() const;
  const PortLook& look_at(const HostPort& address);
  bool is_mistake(const ProxyMistake& mistake);
  std::vector<ProxyMistake> mistakes_for(const VariablesFor& asked);
  void judge_absence(const PortLook& look, const std::optional<NamedProxy>& proxy,
                     const HostPort& where, StepClock& clock) const;
  void judge_kind(const PortLook& look, const NamedProxy& proxy, const HostPort& where,
                  StepClock& clock) const;
  std::string fix_for(const std::vector<ProxyMistake>& mistakes) const;
  std::string detail_for(const VariablesFor& asked) const;

  Walk& walk_;
  std::optional<int> pid_;
  std::string name_;   // of the process
  std::string error_;  // why its environment is not known
  HostPort own_;       // where we would listen
  ProxyVariables variables_;
  std::vector<std::pair<HostPort, PortLook>> looks_;
};

/// Where `culvert serve` listens with this configuration: 127.0.0.1:3128 by default.
HostPort listener_address(const Config& config);

}  // namespace culvert
