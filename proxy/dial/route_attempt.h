#pragma once

#include <memory>

#include "base/log.h"
#include "dial/proxy_dial.h"

namespace culvert {

/// One attempt to get through an upstream for a client, whose outcome the upstream learns of.
/// Destruction before that tells it nothing.
class RouteAttempt {
 public:
  /// Not called once the attempt goes on alone.  May destroy the attempt.
  using Done = Callback<void(RouteAttempt&, DialResult)>;

  /// The loop, the log and the upstream outlive the attempt; the rest as for ProxyDial.
  RouteAttempt(Loop& loop, Log& log, Upstream& upstream, const HostPort& target,
               ProxyDial::Purpose purpose, const AddressCheck& check,
               std::chrono::milliseconds budget, Done done);
  ~RouteAttempt();
  RouteAttempt(const RouteAttempt&) = delete;
  RouteAttempt& operator=(const RouteAttempt&) = delete;

  void start();
  Upstream& upstream() const { return upstream_; }
  /// After a failure: see ProxyDial.
  bool proxy_failed() const { return dial_.proxy_failed(); }

  /// After a failure: the proxy took the request and said no word, see Upstream::was_silent().
  bool was_silent() const { return silent_; }

  /// Another upstream was faster, and nobody waits for this one any more.  That proves nothing, but
  /// a proxy that has not said a word about the target yet may be dead: then the attempt goes on in
  /// Upstream::stragglers until that is known.  Otherwise it ends here.
  static void overtaken(std::unique_ptr<RouteAttempt> attempt);

 private:
  void on_done(DialResult result);
  void learn(const DialResult& result);
  void tell(const DialResult& result) const;

  Loop& loop_;
  Log& log_;
  Upstream& upstream_;
  HostPort target_;
  Done done_;
  Loop::Clock::time_point begun_;
  Breaker::Permit permit_;
  bool learned_ = false;
  bool silent_ = false;
  ProxyDial dial_;
};

}  // namespace culvert
