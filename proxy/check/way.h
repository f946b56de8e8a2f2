#pragma once

#include <string>

#include "base/host_port.h"
#include "check/given_check.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"
#include "dial/upstream.h"
#include "net/loop.h"

namespace culvert {

/// A connection to a host as its route has it, or why there is none.
struct WayTo {
  DialResult stream;
  std::string rule;                    ///< shown_rule() of what chose the route
  const Upstream* upstream = nullptr;  ///< which connected, or else was tried last; null: denied
  std::string cause;                   ///< of a failure, as CheckStep has it
  std::string fix;                     ///< the same
  /// What lets the host take another way, where no --route does: see no_proxy_fix().
  std::string rule_fix{};
};

/// How the steps beyond the proxy get their connections: by the routes, as a request to `culvert
/// serve` would.
class Way {
 public:
  virtual ~Way() = default;
  virtual Loop& loop() = 0;
  /// Turns the loop until there is a connection or none is to be had.
  virtual WayTo dial(const HostPort& host, DialPurpose purpose) = 0;
  /// One turn of the loop.  False: the whole check's time is over, or the user ended it.
  virtual bool turn() = 0;
  /// Once that is so, why, as a cause: "interrupted", "no answer within 30.0 s".
  virtual std::string why_over() const = 0;
  /// What the user may do about it.
  virtual std::string time_fix() const = 0;
  virtual const GivenCheck& given() const = 0;
  /// Null: of no option more is known than what a fix changes.
  virtual const Config* whole_config() const { return nullptr; }
};

}  // namespace culvert
