#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/log.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "policy/pending_lookups.h"

namespace culvert {

/// One attempt to connect through an upstream for a client; records its outcome in the upstream's
/// health.  Destruction before the outcome records that it proved nothing.
class RouteAttempt final : public Straggler {
 public:
  /// Not called once the attempt was overtaken().  May destroy the attempt.
  using Done = Callback<void(RouteAttempt&, DialResult)>;

  /// The loop, the log and the upstream outlive the attempt; the rest as for UpstreamRequest.
  RouteAttempt(Loop& loop, Log& log, Upstream& upstream, const HostPort& target,
               DialPurpose purpose, const AddressCheck& check, std::chrono::milliseconds budget,
               UpstreamHealth::Permit permit, Done done);
  ~RouteAttempt() override;
  RouteAttempt(const RouteAttempt&) = delete;
  RouteAttempt& operator=(const RouteAttempt&) = delete;

  void start();
  Upstream& upstream() const { return upstream_; }
  /// After a failure: see DialFailure.
  bool proxy_failed() const { return proxy_failed_; }
  /// After a failure, if DialFailure::proxy_may_be_starting(): what it is missing.
  std::optional<Missing> missing() const { return missing_; }
  /// After a failure: see DialFailure.
  bool kept_second() const { return kept_second_; }

  /// After a failure: see short_cause().
  const std::string& cause() const { return cause_; }

  /// After a failure: it was the proxy's, or the network's on the way to it or to a target that is
  /// reached directly, so that it may pass.
  bool may_pass() const { return may_pass_; }

  /// After a failure: the proxy accepted the request and sent no reply, see
  /// UpstreamHealth::unanswered().
  bool was_unanswered() const { return unanswered_; }

  /// Another upstream was faster, so the client no longer needs this attempt.  That proves nothing,
  /// but a proxy that has not replied to the request yet may be dead: then the attempt continues in
  /// Upstream::stragglers until that is known.  Otherwise it ends here.
  static void overtaken(std::unique_ptr<RouteAttempt> attempt);

 private:
  void on_done(UpstreamResult&& outcome);
  bool failure_may_pass(const DialFailure& failure, Proof proof) const;
  std::string early_grant_clause(const DialFailure& failure) const;
  void learn(Proof proof, const DialResult& result);
  [[gnu::cold]] void tell_result(const DialResult& result) const;
  bool is_lookup_beyond() const;
  void end_lookup();

  Loop& loop_;
  Log& log_;
  Upstream& upstream_;
  HostPort target_;
  std::unique_ptr<const ConnectionEnds> ends_;  // of the client, which it may outlive
  std::shared_ptr<Trace> trace_;                // the same
  DialPurpose purpose_;
  Done done_;
  Loop::Clock::time_point begun_;
  UpstreamHealth::Permit permit_;
  LoadShare load_;
  bool recorded_ = false;
  bool counted_ = false;
  bool unanswered_ = false;
  bool proxy_failed_ = false;
  bool may_pass_ = false;
  std::optional<Missing> missing_;
  bool kept_second_ = false;
  PendingLookups::Entry lookup_;
  std::string cause_;
  std::unique_ptr<UpstreamDial> dial_;
};

}  // namespace culvert
