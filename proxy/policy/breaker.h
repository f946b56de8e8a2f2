#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace culvert {

struct BreakerLimits {
  unsigned failures = 3;                        ///< so many in a row open the breaker
  std::chrono::milliseconds first_wait{1'000};  ///< before the first trial; doubles with each that
                                                ///< fails
  std::chrono::milliseconds longest_wait{60'000};
  double jitter = 0.2;  ///< each wait is longer or shorter by up to this part of it
};

/// Keeps attempts away from an upstream that fails, and permits one trial at a time.  Has no clock:
/// the caller passes the time.
///
///   closed   every attempt may go; `failures` in a row open it
///   open     none may go until the wait is over; then one may, the trial
///   trial    none but the trial; its success closes the breaker, its failure doubles the wait
///
/// Every attempt that was permitted ends in exactly one of succeeded(), failed() and abandoned().
class Breaker {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// Whether an attempt may begin, and whether it is the trial.
  enum class Permit : std::uint8_t { refused, granted, trial };

  /// `seed` makes breakers with the same history wait differently.
  explicit Breaker(const BreakerLimits& limits = {}, std::uint32_t seed = 1);

  Permit ask(Time now);

  void succeeded(Permit permit, Time now);
  /// Only for failures of the upstream itself: one that refuses a target works.
  void failed(Permit permit, Time now);
  /// The attempt ended without a result: the client left, or another upstream was faster.
  void abandoned(Permit permit);

  /// Whether ask() would refuse.
  bool is_open(Time now) const;
  /// When the next trial may begin; nullopt while closed.
  std::optional<Time> next_trial() const { return open_until_; }
  bool trial_under_way() const { return trial_under_way_; }
  /// When the current row of failures began; nullopt if the last attempt with a result succeeded,
  /// or there was none.
  std::optional<Time> down_since() const { return down_since_; }
  /// The last success.
  std::optional<Time> last_success() const { return last_success_; }

 private:
  void open(Time now);

  BreakerLimits limits_;
  std::minstd_rand random_;
  unsigned failures_ = 0;              ///< in a row, while closed
  std::chrono::milliseconds wait_{0};  ///< before jitter, while open
  std::optional<Time> open_until_;     ///< set while open
  bool trial_under_way_ = false;
  std::optional<Time> down_since_;
  std::optional<Time> last_success_;
};

}  // namespace culvert
