#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "dial/candidates.h"
#include "dial/failed_attempts.h"
#include "dial/route_attempt.h"
#include "net/timer.h"

namespace culvert {

class Resumptions;

/// Time limits of a RouteDial.
struct DialLimits {
  std::chrono::milliseconds budget{12'000};  ///< for everything until connected, holding included
  std::chrono::milliseconds hold{12'000};    ///< see RouteDial; 0: never
  std::chrono::milliseconds hedge{0};  ///< the next upstream starts so much later in parallel; 0:
                                       ///< after a failure the one before has failed
  /// For a resumption, `hold_resumed` is how long it is held, or the budget if that is longer,
  /// which then is that of each attempt.  nullptr: it is none.
  Resumptions* resumptions = nullptr;
  std::chrono::milliseconds hold_resumed{0};
  DialCounters* counters = nullptr;  ///< of the worker; nullptr: nobody counts
};

/// Tries the candidates of a route in order until one connects, all within one budget; of several
/// failures see FailedAttempts::summary().
///
/// It holds the request if every upstream's proxy may just be starting
/// (DialFailure::proxy_may_be_starting()), and one of them has failed so for less than `hold`. Then
/// all are tried again until the budget is used up.  A failure beyond a proxy is never held.
///
/// A resumption (see Resumptions) is held for longer, and for whatever shows that its upstreams
/// cannot be used, silence included.
class RouteDial final : public Dial {
 public:
  /// `route` is not empty; its upstreams, the loop and the log outlive the dial.
  RouteDial(Loop& loop, Log& log, RouteLanes route, const HostPort& target, DialPurpose purpose,
            const AddressCheck& check, const DialLimits& limits, DialDone done);
  ~RouteDial();

  void start() override { begin_pass(); }

  /// It holds the request, or has done so until now.
  bool holds() const { return held_since_.has_value(); }
  /// The upstream that connected, or else that was tried last.
  Upstream& current() const { return *current_; }
  /// Why that one.
  ChosenBy chosen_by() const;
  /// The failed attempts of the last pass, see FailedAttempts::list().
  std::string failures() const { return failures_.list(); }
  /// More than one attempt failed, so that the reported error does not cover all.
  bool several_failed() const { return failures_.size() > 1; }

 private:
  void begin_pass();
  [[gnu::cold]] void tell_left_out();
  [[gnu::cold]] void tell_balance();
  void try_next();
  void on_attempt_done(RouteAttempt& attempt, DialResult result);
  void on_connected(const RouteAttempt& attempt, DialResult result);
  void remove(const RouteAttempt& attempt);
  void note_failure(const RouteAttempt& attempt, Error error);
  void note_resting(const Upstream& upstream);
  [[gnu::cold]] void note_marked_down(const Upstream& upstream);
  void note_left_out();
  void end_pass();
  bool may_hold();
  bool may_hold_resumption();
  void hold();
  void begin_hold();
  [[gnu::cold]] void tell_hold(std::chrono::milliseconds pause);
  void on_timer();

  Loop& loop_;
  Log& log_;
  RouteLanes route_;
  HostPort target_;
  DialPurpose purpose_;
  AddressCheck check_;
  DialLimits limits_;
  Loop::Clock::time_point deadline_;
  Loop::Clock::time_point resumption_deadline_;
  DialDone done_;
  Timer timer_;
  Upstream* current_;
  std::vector<Upstream*> order_;               // of this pass
  ChosenBy chosen_by_ = ChosenBy::order;       // Candidates::chosen_by
  bool preferred_ = true;                      // Candidates::preferred
  std::vector<Candidates::LeftOut> left_out_;  // of this pass
  bool all_proxies_failed_ = true;             // in this pass, as far as they were tried
  std::size_t next_ = 0;
  std::vector<std::unique_ptr<RouteAttempt>> attempts_;
  FailedAttempts failures_;         // of this pass
  FailedAttempts failures_before_;  // of the pass before
  /// Those that accepted the request and did not reply, in this pass.
  std::vector<std::pair<Upstream*, Error>> unanswered_;
  bool held_as_resumption_ = false;
  bool all_may_pass_ = true;  // see RouteAttempt::may_pass(), in this pass
  /// Those that may just be starting, in this pass.
  std::vector<std::pair<const Upstream*, Missing>> starting_;
  std::optional<Loop::Clock::time_point> held_since_;
  bool program_may_come_ = false;  // Missing::program began the hold
};

}  // namespace culvert
