#pragma once

#include <chrono>
#include <memory>

#include "base/callback.h"
#include "base/host_port.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"
#include "net/loop.h"
#include "policy/address_guard.h"

namespace culvert {

struct Upstream;

/// Time limits of a dial through an upstream.  `?connect-timeout` replaces both.
struct DialBudget {
  std::chrono::milliseconds connect = kConnectLimit;  ///< of it, to connect to the proxy
  std::chrono::milliseconds total = kAttemptLimit;
};

/// A request for a stream to a target through an upstream, and its deadline.  See
/// upstream_request().
struct UpstreamRequest {
  /// What is left of the budget.
  std::chrono::milliseconds left() const;
  /// `failure`, which ends the request at this moment because its time is over.
  DialFailure timed_out(DialFailure failure) const;
  AddressGuard::Egress egress() const;

  Loop& loop;
  Upstream& upstream;
  const HostPort& target;
  DialPurpose purpose;
  AddressCheck check;  ///< applied to the target's address, where that is known here
  Loop::Clock::time_point begun;
  Loop::Clock::time_point deadline;
  std::chrono::milliseconds connect_limit;
};

/// The time counts from now.  The loop, the upstream and the target outlive the request.
UpstreamRequest upstream_request(Loop& loop, Upstream& upstream, const HostPort& target,
                                 DialPurpose purpose, const AddressCheck& check,
                                 const DialBudget& budget);

/// One attempt to get a stream to a target through one upstream.  start() once; `done` is called
/// exactly once, perhaps within start(), as the last thing the dial does: it may destroy the dial.
/// Destruction cancels, and then `done` is not called.
class UpstreamDial {
 public:
  using Done = Callback<void(UpstreamResult&&)>;

  virtual ~UpstreamDial() = default;
  virtual void start() = 0;
  /// The failure if its time were over now; in a chain, that of the hop that is awaited.  Not after
  /// `done`.
  virtual DialFailure timeout_failure() const = 0;
  virtual Replied replied() const = 0;
  virtual DialTimes times() const = 0;
};

/// A dial in the layers that the upstream and the request need, from the outside: ResolvingDial,
/// WarmDial, PortCheck, SecondLook, ProxyDial.
std::unique_ptr<UpstreamDial> make_upstream_dial(const UpstreamRequest& request,
                                                 UpstreamDial::Done done);
/// The same for a target whose name the upstream may look up.
std::unique_ptr<UpstreamDial> make_resolved_dial(const UpstreamRequest& request,
                                                 UpstreamDial::Done done);
/// The same on a connection of its own, whatever a WarmPool has.
std::unique_ptr<UpstreamDial> make_fresh_dial(const UpstreamRequest& request,
                                              UpstreamDial::Done done);

}  // namespace culvert
