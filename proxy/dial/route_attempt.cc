#include "dial/route_attempt.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "codec/clause.h"
#include "dial/dial_text.h"
#include "dial/dial_trace.h"
#include "dial/upstream_protocol.h"
#include "net/stream.h"

namespace culvert {

RouteAttempt::RouteAttempt(Loop& loop, Log& log, Upstream& upstream, const HostPort& target,
                           DialPurpose purpose, const AddressCheck& check,
                           std::chrono::milliseconds budget, UpstreamHealth::Permit permit,
                           Done done)
    : loop_(loop),
      log_(log),
      upstream_(upstream),
      target_(target),
      ends_(check.ends != nullptr ? std::make_unique<const ConnectionEnds>(*check.ends) : nullptr),
      trace_(check.trace != nullptr ? check.trace->shared_from_this() : nullptr),
      purpose_(purpose),
      done_(done),
      begun_(loop.now()),
      permit_(permit),
      load_(*upstream.load),
      dial_(
          make_upstream_dial(upstream_request(loop, upstream, target_, purpose,
                                              {check.guard, check.client, ends_.get(), check.trace},
                                              DialBudget{.total = budget}),
                             UpstreamDial::Done::to<&RouteAttempt::on_done>(this))) {}

RouteAttempt::~RouteAttempt() {
  end_lookup();
  if (!recorded_) upstream_.health->abandoned(permit_);
  if (!counted_) upstream_.counters->count(AttemptEnd::abandoned);
  if (!done_) upstream_.health->remove_straggler();
}

void RouteAttempt::start() {
  if (is_told(trace_.get(), log_)) {
    tell_step(trace_.get(), log_, target_, concat({"trying ", upstream_.config.name}));
  }
  if (is_lookup_beyond()) upstream_.health->lookups().add(lookup_, target_, begun_);
  dial_->start();
}

/// The upstream's far end looks the target's name up, perhaps in a process that moves the bytes of
/// its tunnels as well.
bool RouteAttempt::is_lookup_beyond() const {
  const UpstreamProtocol protocol = protocol_of(upstream_.config);
  return protocol.has_proxy && !protocol.takes_absolute_form && !target_.ip &&
         !upstream_.config.resolve_local;
}

void RouteAttempt::end_lookup() {
  if (lookup_.added()) upstream_.health->lookups().remove(lookup_, loop_.now());
}

void RouteAttempt::tell_result(const DialResult& result) const {
  tell_step(trace_.get(), log_, target_,
            concat({upstream_.config.name, result ? " " : ": ",
                    result ? "has connected" : result.error().text, ": ",
                    describe(dial_->times(), loop_.now())}));
}

/// Of one that did not connect.
AttemptEnd end_of(Proof proof) {
  switch (proof) {
    case Proof::works:
      return AttemptEnd::refused;
    case Proof::silent:
      return AttemptEnd::unanswered;
    case Proof::fails:
    case Proof::none:
      break;
  }
  return AttemptEnd::failed;
}

void RouteAttempt::on_done(UpstreamResult&& outcome) {
  end_lookup();
  std::string clause;
  const Proof proof = proof_of(outcome, dial_->replied(), upstream_.health->is_silent());
  counted_ = true;
  upstream_.counters->count(outcome ? AttemptEnd::connected : end_of(proof));
  if (!outcome) {
    const DialFailure& failure = outcome.error();
    proxy_failed_ = failure.proxy_failed();
    if (failure.proxy_may_be_starting()) missing_ = failure.missing;
    kept_second_ = failure.kept_second;
    may_pass_ = failure_may_pass(failure, proof);
    clause = early_grant_clause(failure);
    cause_ = short_cause(failure, target_);
  }
  DialResult result = to_dial_result(std::move(outcome), upstream_.config, target_, purpose_);
  if (!clause.empty()) result = with_clause(std::move(result).error(), clause);
  if (is_told(trace_.get(), log_)) tell_result(result);
  learn(proof, result);
  if (done_) return done_(*this, std::move(result));
  if (unanswered_) upstream_.target_was_reached(target_, result.error(), loop_.now(), log_);
  std::erase_if(upstream_.stragglers, [this](const auto& own) { return own.get() == this; });
}

/// That a connection may have been granted too early: of the hop that leads to the proxy, or of
/// this upstream before.  Empty if nothing speaks for it.
std::string RouteAttempt::early_grant_clause(const DialFailure& failure) const {
  const bool connected = failure.phase != DialPhase::connect && failure.phase != DialPhase::lookup;
  if (!connected || dial_->replied() == Replied::to_request) return {};
  const bool ended = failure.closed || is_reset(failure.cause.sys);
  if (upstream_.config.via_index && ended && dial_->replied() == Replied::nothing) {
    return fmt::format(" - its via={} may say yes before it has connected",
                       shorten_middle(upstream_.config.via, 40));
  }
  return upstream_.early_grants_clause(loop_.now());
}

bool RouteAttempt::failure_may_pass(const DialFailure& failure, Proof proof) const {
  if (proof == Proof::fails || proof == Proof::silent) return true;
  if (protocol_of(upstream_.config).has_proxy || failure.phase != DialPhase::connect) return false;
  const Errc code = failure.cause.code;
  // A name that does not exist: somebody has said so.
  if (code == Errc::dns_error) return failure.cause.side == Side::local;
  return code == Errc::connection_refused || code == Errc::connection_timeout ||
         code == Errc::destination_ip_unroutable || code == Errc::dns_timeout;
}

void RouteAttempt::learn(Proof proof, const DialResult& result) {
  const auto now = loop_.now();
  if (proof == Proof::works) {
    upstream_.memory->worked(dial_->replied() != Replied::nothing);
  }
  if (proof == Proof::fails || proof == Proof::silent) upstream_.memory->failed(cause_);
  if (proof == Proof::silent) {
    unanswered_ = true;
    recorded_ = upstream_.unanswered(permit_, target_, begun_, result.error(), now, log_);
    return;
  }
  UpstreamHealth::Evidence evidence{.replied = dial_->replied() == Replied::to_request,
                                    .connected = result.ok()};
  if (result) {
    evidence.took = now - begun_;
    upstream_.counters->connect.add(evidence.took);
    if (upstream_.learns_pace) upstream_.load->connected(evidence.took, now);
  }
  recorded_ = upstream_.learn(proof, permit_, evidence, result, now, log_);
}

void RouteAttempt::overtaken(std::unique_ptr<RouteAttempt> attempt) {
  Upstream& upstream = attempt->upstream_;
  if (!protocol_of(upstream.config).has_proxy) return;
  if (attempt->dial_->replied() == Replied::to_request) return;
  if (!upstream.health->add_straggler()) return;
  if (attempt->trace_) attempt->trace_->step(concat({upstream.config.name, " was slower"}));
  attempt->done_ = {};
  upstream.stragglers.push_back(std::move(attempt));
}

}  // namespace culvert
