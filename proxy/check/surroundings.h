#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/host_port.h"
#include "check/port_look.h"
#include "check/report.h"
#include "check/walk.h"
#include "host/process_list.h"
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
  /// `pid`: whose variables; nullopt: our own.  `running_url`: where a culvert runs, as
  /// url_of_running() tells it.
  Surroundings(Walk& walk, std::optional<int> pid, const std::string& running_url);

  CheckStep config_step() const;
  CheckStep environment_step(const VariablesFor& asked);
  /// nullopt: clients go past any listener.
  std::optional<CheckStep> listener_step(const VariablesFor& asked);
  /// The far end of a proxy seems not to reach the target, or to reach another one.
  static bool is_near(const HostPort& target);
  /// The target is near, and these clients connect to it directly, as they should.
  bool spares_near(const VariablesFor& asked) const;
  /// What lets these clients connect directly to a near target, which cannot be reached through the
  /// proxy.
  std::string spare_fix(const HostPort& target) const;

 private:
  bool goes_direct(const VariablesFor& asked) const;
  bool concerns(const ProxyMistake& mistake, const VariablesFor& asked) const;
  void read_process(int pid);
  std::string subject() const;
  const PortLook& look_at(const HostPort& address);
  bool is_mistake(const ProxyMistake& mistake);
  std::vector<ProxyMistake> mistakes_for(const VariablesFor& asked);
  void judge_absence(const PortLook& look, const NamedProxy& proxy, const HostPort& where,
                     StepClock& clock);
  void judge_kind(const PortLook& look, const NamedProxy& proxy, const HostPort& where,
                  StepClock& clock);
  std::optional<bool> listens_elsewhere(const HostPort& where) const;
  void fail_elsewhere(StepClock& clock) const;
  std::string other_mistakes(const VariablesFor& asked) const;
  std::string detail_for(const VariablesFor& asked) const;
  std::string fix_for(const std::vector<ProxyMistake>& mistakes) const;
  std::string set_fix(const NamedProxy& proxy, const std::string& url) const;
  std::string own_fix(const NamedProxy& proxy, const std::string& upstream);
  std::string serve_line(const HostPort& listen, const std::string& upstream) const;
  std::string own_url() const { return "http://" + own_.to_string(); }

  Walk& walk_;
  std::string running_url_;
  HostPort own_;         // where we would listen
  std::string no_port_;  // where else, if nowhere that a variable can name
  std::optional<int> pid_;
  RunningProcess process_;
  ProcessOrigin origin_;
  std::string error_;                     // why its environment is not known
  bool is_private_ = false;               // which root may read
  std::vector<std::string> daemon_json_;  // the variables that docker's file sets
  ProxyVariables variables_;
  std::vector<std::pair<HostPort, PortLook>> looks_;
};

}  // namespace culvert
