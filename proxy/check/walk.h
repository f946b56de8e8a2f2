#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "check/report.h"
#include "check/way.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "net/loop.h"
#include "net/signals.h"
#include "net/timer.h"
#include "server/ruleset.h"

namespace culvert {

/// What the steps of a check use: a loop of their own, the upstreams on it, and an end of their
/// time.  Each step turns the loop until it is done.
class Walk final : public Way {
 public:
  /// From now on `timeout` is left.  SIGINT and SIGTERM end the walk.
  Walk(std::unique_ptr<Ruleset> ruleset, std::chrono::milliseconds timeout, GivenCheck given = {});
  ~Walk() override;

  Loop& loop() override { return loop_; }
  const Config& config() const { return ruleset_->config; }
  const Ruleset& ruleset() const { return *ruleset_; }
  Upstream& upstream(std::size_t index) { return *upstreams_[index]; }

  WayTo dial(const HostPort& host, DialPurpose purpose) override;
  bool turn() override;

  /// Turns until `done()`.  False: the time is over before.
  template <typename Done>
  bool wait(Done done) {
    while (!done()) {
      if (!turn()) return false;
    }
    return true;
  }

  bool over() const { return interrupted_ || expired_; }
  /// By the user.
  bool interrupted() const { return interrupted_; }
  std::string why_over() const override;
  /// The same of a step that was not begun: "not tried: the 3.0 s of --timeout were over".
  std::string why_not_tried() const;
  std::string time_fix() const override;
  const GivenCheck& given() const override { return given_; }
  const Config* whole_config() const override { return &config(); }

  /// To be called at the end: whether something goes on, as a look-up in a thread may.
  bool is_busy();

  /// What came of a dial through one upstream.
  struct Trial {
    UpstreamResult result;
    DialTimes times;
    Replied replied = Replied::nothing;
    DialTimes::Time ended{};
  };
  /// nullopt: the time was over before.
  std::optional<Trial> dial_through(Upstream& upstream, const HostPort& target,
                                    DialPurpose purpose);

 private:
  void on_signal(int signal);
  void on_timeout() { expired_ = true; }

  Loop loop_;
  Log log_;
  std::unique_ptr<Ruleset> ruleset_;
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::chrono::milliseconds timeout_;
  GivenCheck given_;
  Timer timer_;
  std::optional<SignalWatcher> interrupt_;
  std::optional<SignalWatcher> terminate_;
  bool interrupted_ = false;
  bool expired_ = false;
};

/// A step that is under way: measures its time.
class StepClock {
 public:
  StepClock(Walk& walk, std::string_view name, std::string subject);

  CheckStep& step() { return step_; }
  void fail(std::string cause, std::string fix);
  /// The time of the walk was over before the step's end, or even its beginning.
  void fail_for_time() { fail(late_ ? walk_.why_not_tried() : walk_.why_over(), walk_.time_fix()); }
  /// The step, which took until now.
  CheckStep end();

 private:
  Walk& walk_;
  Loop::Clock::time_point begun_;
  bool late_;  ///< no time was left for it
  CheckStep step_;
};

}  // namespace culvert
