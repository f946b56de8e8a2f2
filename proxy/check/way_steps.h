#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "base/host_port.h"
#include "check/report.h"
#include "check/walk.h"

namespace culvert {

/// Where the way leads.
struct WayTarget {
  HostPort host;
  bool tls = true;     ///< it is spoken there
  bool plain = false;  ///< http:// is, which goes to an HTTP upstream itself
};

/// Step `route`: the rule for this target.
CheckStep route_step(Walk& walk, const HostPort& target);

/// The way through the upstreams.  Steps `upstream`, one for each that can be tried and each hop
/// before it, and `request`.
class WaySteps {
 public:
  explicit WaySteps(Walk& walk) : walk_(walk) {}

  /// Through the upstreams of the target's route, which does not deny it.  Whether one of them
  /// reaches the target.
  bool walk_to(const WayTarget& target, TargetReport& report);
  /// Each upstream, without a target.
  void walk_upstreams(TargetReport& report);

 private:
  using Trial = Walk::Trial;

  bool pass(std::size_t index, const WayTarget* target);
  bool has_port(std::size_t index);
  bool pass_hops(std::size_t index);
  bool pass_hop(std::size_t hop, std::size_t next);
  bool pass_upstream(std::size_t index, const WayTarget* target);
  bool try_proxy(StepClock& clock, Upstream& upstream, bool asks_port);
  bool try_without_greeting(StepClock& clock, Upstream& upstream);
  bool try_tunnel(StepClock& clock, std::size_t index, const HostPort& target);
  void look_behind_silence(Upstream& upstream, DialFailure& failure);
  bool request(std::size_t index, const WayTarget& target);
  void settle(StepClock& clock, const Upstream& upstream, Stream& stream, const WayTarget& target);
  bool add(std::size_t index, CheckStep step);

  Walk& walk_;
  TargetReport* report_ = nullptr;
  std::vector<std::size_t> told_;            // upstreams and hops that this report has a step of
  std::map<std::size_t, CheckStep> broken_;  // for all reports
  /// Of upstreams whose step took the request for the target, too.
  std::map<std::size_t, Trial> kept_;
};

}  // namespace culvert
