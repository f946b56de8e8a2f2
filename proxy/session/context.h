#pragma once

#include <memory>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "dial/route_dial.h"
#include "dial/upstream.h"
#include "net/loop.h"
#include "policy/access_policy.h"
#include "policy/router.h"
#include "session/flow.h"

namespace culvert {

/// What the sessions of one worker work with.  Outlives them.
struct SessionContext {
  Loop& loop;
  Log& log;
  const Config& config;
  const AccessPolicy& access;
  const Router& router;
  std::vector<std::unique_ptr<Upstream>>& upstreams;  ///< in the order of Config::upstreams
  FlowResources flow;
  bool draining = false;       ///< connections are not to be kept open for more requests
  std::string_view pseudonym;  ///< our name in Via, different for each process

  /// A dial along `route`; start() it.
  std::unique_ptr<RouteDial> dial(const Route& route, const HostPort& target,
                                  UpstreamDial::Purpose purpose, DialDone done);
};

}  // namespace culvert
