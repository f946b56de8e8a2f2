#include "dial/route_dial.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "codec/clause.h"
#include "dial/dial_text.h"
#include "dial/dial_trace.h"
#include "policy/resumptions.h"

namespace culvert {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds kHoldRetry{250};
constexpr milliseconds kHoldLookupRetry{1'000};  // spares the DNS server

}  // namespace

RouteDial::RouteDial(Loop& loop, Log& log, RouteLanes route, const HostPort& target,
                     DialPurpose purpose, const AddressCheck& check, const DialLimits& limits,
                     DialDone done)
    : loop_(loop),
      log_(log),
      route_(std::move(route)),
      target_(target),
      purpose_(purpose),
      check_(check),
      limits_(limits),
      deadline_(loop.now() + limits.budget),
      resumption_deadline_(loop.now() + std::max(limits.budget, limits.hold_resumed)),
      done_(done),
      timer_(loop, Callback<void()>::to<&RouteDial::on_timer>(this)),
      current_(route_.upstreams[0]) {}

RouteDial::~RouteDial() {
  if (held_as_resumption_) limits_.resumptions->end_hold();
  if (held_since_ && limits_.counters != nullptr) --limits_.counters->held;
}

void RouteDial::begin_pass() {
  next_ = 0;
  all_may_pass_ = true;
  failures_before_ = std::exchange(failures_, {});
  starting_.clear();
  unanswered_.clear();
  const auto now = loop_.now();
  if (held_as_resumption_) deadline_ = std::min(now + limits_.budget, resumption_deadline_);
  Candidates candidates = choose_candidates(route_, target_.host, now);
  left_out_ = std::move(candidates.left_out);
  if (is_told(check_.trace, log_)) tell_left_out();
  order_ = std::move(candidates.order);
  chosen_by_ = candidates.chosen_by;
  if (!route_.tiers.empty() && is_told(check_.trace, log_)) tell_balance();
  preferred_ = candidates.preferred;
  all_proxies_failed_ = true;
  for (const Upstream* upstream : candidates.resting) {
    if (!upstream->health->is_marked_down()) {
      note_resting(*upstream);
    } else if (order_.empty()) {
      note_marked_down(*upstream);
    }
  }
  try_next();
}

/// It is not tried in this pass, as it fails slowly.
void RouteDial::note_resting(const Upstream& upstream) {
  const std::string down = format_seconds(upstream.health->down_for(loop_.now()));
  const std::string cause = upstream.memory->last_cause();
  failures_.add({&upstream, fmt::format("down for {}{}{}", down, cause.empty() ? "" : ": ", cause),
                 resting_error(upstream.config, down, cause, target_)});
}

/// Nor is a request held for it.
void RouteDial::note_marked_down(const Upstream& upstream) {
  all_may_pass_ = false;
  failures_.add({&upstream, "is marked down by an administrator",
                 marked_down_error(upstream.config, target_)});
}

/// If no proxy that was tried works, why others were not tried matters too.
void RouteDial::note_left_out() {
  if (!preferred_ || !all_proxies_failed_) return;
  for (const auto& [upstream, why] : left_out_) {
    const std::string cause = upstream->memory->last_cause();
    const std::string text =
        fmt::format("not tried, it {}{}{}", why, cause.empty() ? "" : ": ", cause);
    failures_.add({upstream, text, left_out_error(upstream->config, text, target_), false});
  }
}

void RouteDial::tell_left_out() {
  for (const auto& [upstream, why] : left_out_) {
    tell_step(check_.trace, log_, target_,
              concat({upstream->config.name, " is passed over if there is another, it ", why}));
  }
}

void RouteDial::tell_balance() {
  std::string all;
  for (const Upstream* upstream : order_) {
    const UpstreamLoad::Now load = upstream->load->now();
    all += concat({all.empty() ? "" : ", ", upstream->config.name, " (",
                   std::to_string(load.active), " of ", std::to_string(load.open), " active)"});
  }
  tell_step(check_.trace, log_, target_, concat({name_of(chosen_by_), ": ", all}));
}

ChosenBy RouteDial::chosen_by() const {
  if (route_.tiers.empty() || order_.empty() || current_ == order_.front()) return chosen_by_;
  return ChosenBy::failover;
}

/// Starts the next upstream of this pass.
void RouteDial::try_next() {
  auto permit = UpstreamHealth::Permit::refused;
  while (permit == UpstreamHealth::Permit::refused) {
    if (next_ == order_.size()) {
      if (attempts_.empty()) end_pass();
      return;
    }
    current_ = order_[next_++];
    const bool is_choice = preferred_ && next_ < order_.size();
    permit = is_choice ? current_->health->try_attempt(loop_.now())
                       : current_->health->begin_attempt(loop_.now());
  }
  Upstream& upstream = *current_;
  auto budget = std::max(std::chrono::ceil<milliseconds>(deadline_ - loop_.now()), milliseconds(1));
  const bool last = next_ == order_.size();
  if (!last) budget = std::min(budget, upstream.config.connect_timeout.value_or(kAttemptLimit));
  if (!last && limits_.hedge.count() > 0) timer_.start(limits_.hedge);
  if (!attempts_.empty() && limits_.counters != nullptr) ++limits_.counters->hedges;
  attempts_.push_back(std::make_unique<RouteAttempt>(
      loop_, log_, upstream, target_, purpose_, check_, budget, permit,
      RouteAttempt::Done::to<&RouteDial::on_attempt_done>(this)));
  attempts_.back()->start();
}

void RouteDial::on_attempt_done(RouteAttempt& attempt, DialResult result) {
  if (result) return on_connected(attempt, std::move(result));
  note_failure(attempt, std::move(result).error());
  remove(attempt);
  if (next_ < order_.size() && loop_.now() < deadline_) {
    timer_.stop();
    return try_next();
  }
  if (attempts_.empty()) end_pass();
}

void RouteDial::on_connected(const RouteAttempt& attempt, DialResult result) {
  timer_.stop();
  current_ = &attempt.upstream();
  remove(attempt);
  for (auto& slower : attempts_) RouteAttempt::overtaken(std::move(slower));
  attempts_.clear();
  for (const auto& [silent, error] : unanswered_) {
    silent->target_was_reached(target_, error, loop_.now(), log_);
  }
  done_(std::move(result));
}

void RouteDial::remove(const RouteAttempt& attempt) {
  std::erase_if(attempts_, [&](const auto& own) { return own.get() == &attempt; });
}

void RouteDial::note_failure(const RouteAttempt& attempt, Error error) {
  const bool proxy_failed = attempt.proxy_failed();
  if (attempt.was_unanswered()) unanswered_.emplace_back(&attempt.upstream(), error);
  all_may_pass_ = all_may_pass_ && attempt.may_pass();
  all_proxies_failed_ = all_proxies_failed_ && proxy_failed;
  const auto now = loop_.now();
  const auto down = attempt.upstream().health->down_for(now);
  auto missing = attempt.missing();
  if (missing == Missing::program && !held_since_) program_may_come_ = true;
  // It may have come between the attempt and the second look: then once more tells.
  if (attempt.kept_second() && std::exchange(program_may_come_, false)) missing = Missing::program;
  if (missing) starting_.emplace_back(&attempt.upstream(), *missing);
  if (missing && held_since_) {
    error =
        with_wait(std::move(error), *missing, std::chrono::round<milliseconds>(now - *held_since_));
  } else if (proxy_failed && down >= milliseconds(1'000)) {
    error = with_downtime(std::move(error), down);
  }
  failures_.add({&attempt.upstream(), attempt.cause(), std::move(error)});
}

/// No upstream of this pass has connected.
void RouteDial::end_pass() {
  if (may_hold()) return hold();
  // Those that the last pass of a held request had no time for.
  failures_.complete_with(failures_before_);
  note_left_out();
  std::optional<milliseconds> held;
  if (held_since_) held = std::chrono::round<milliseconds>(loop_.now() - *held_since_);
  done_(failures_.summary(target_, held));
}

bool RouteDial::may_hold() {
  if (may_hold_resumption()) return true;
  const auto now = loop_.now();
  const bool all_may_be_starting = starting_.size() == failures_.size();
  if (!all_may_be_starting || now + kHoldRetry >= deadline_) return false;
  // One that went down a moment ago is enough: its tunnel may be restarting.  A request that is
  // held already may use the whole budget.
  return held_since_ || std::any_of(order_.begin(), order_.end(), [&](const Upstream* upstream) {
           return upstream->health->down_for(now) < limits_.hold;
         });
}

void RouteDial::hold() {
  const auto now = loop_.now();
  if (!held_since_) begin_hold();
  auto pause = kHoldRetry;
  const auto awaits_name = [](const auto& entry) { return entry.second == Missing::name; };
  if (std::any_of(starting_.begin(), starting_.end(), awaits_name)) {
    const auto left = std::chrono::floor<milliseconds>(deadline_ - now);
    pause = std::clamp(left - kHoldRetry, kHoldRetry, kHoldLookupRetry);
  }
  if (is_told(check_.trace, log_)) tell_hold(pause);
  timer_.start(pause);
}

void RouteDial::begin_hold() {
  held_since_ = loop_.now();
  if (limits_.counters == nullptr) return;
  ++limits_.counters->held;
  ++limits_.counters->holds;
}

void RouteDial::tell_hold(milliseconds pause) {
  std::string all = starting_.empty() ? "its upstreams" : "";
  for (const auto& [upstream, missing] : starting_) {
    if (!all.empty()) all += ", ";
    all += describe_missing(upstream->config, missing);
  }
  tell_step(check_.trace, log_, target_,
            fmt::format("held: waiting for {}, tried again in {}", all, format_seconds(pause)));
}

bool RouteDial::may_hold_resumption() {
  if (limits_.resumptions == nullptr || !all_may_pass_) return false;
  if (loop_.now() + kHoldRetry >= resumption_deadline_) return false;
  held_as_resumption_ = held_as_resumption_ || limits_.resumptions->begin_hold();
  return held_as_resumption_;
}

void RouteDial::on_timer() {
  // Either the current upstream is slow and the next one starts in parallel, or a pass is over.
  if (attempts_.empty()) return begin_pass();
  try_next();
}

}  // namespace culvert
