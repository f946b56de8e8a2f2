#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/breaker.h"

namespace culvert {

/// What is known of one upstream: whether its proxy works, whether it answers requests, and whether
/// its probes come through.  One object for each upstream and process, shared by the workers, each
/// of which may call it at any time.  Knows no clock and no log: the caller says what time it is,
/// and is told what its observation has changed.
class UpstreamHealth {
 public:
  using Time = Breaker::Time;
  using Permit = Breaker::Permit;

  /// Limits of an upstream's breaker: it is tried again every 10 s at the latest.
  static constexpr BreakerLimits kLimits = {.longest_wait = std::chrono::seconds(10)};

  explicit UpstreamHealth(const BreakerLimits& limits = kLimits, std::uint32_t seed = 1);

  /// What an observation has changed; nothing by default.
  struct Change {
    bool went_down = false;  ///< it worked so far, or nobody had tried
    /// It works again, after so long.
    std::optional<std::chrono::milliseconds> back_after;
    /// The breaker has opened, or stays open: others are preferred for so long.
    std::optional<std::chrono::milliseconds> open_for;
    bool closed = false;  ///< the breaker was open and is closed now
  };

  // ---- attempts: each begins once and ends in succeeded(), failed(), unanswered() or abandoned()

  /// An attempt begins, whatever the breaker says: its outcome counts even while that is open.
  Permit begin_attempt(Time now);
  /// What a success has shown beyond that.
  struct Evidence {
    bool replied = false;    ///< the proxy has replied to the request, see replied()
    bool connected = false;  ///< there is a connection: as good as a probe that passed
  };
  /// It has shown that the proxy works, if only by refusing the target.
  Change succeeded(Permit permit, Time now, Evidence evidence);
  /// It has shown that the proxy does not work.  `slowly`: only a timeout told, so that the next
  /// client would have to wait for as long.
  Change failed(Permit permit, bool slowly, Time now);
  /// It ended and proved nothing.
  void abandoned(Permit permit);

  // ---- requests that the proxy accepts and never answers

  /// The proxy has replied to a request, if only with a refusal.
  void replied(Time now);
  /// An attempt that began at `begun` has shown that the proxy accepted a request for `target` and
  /// sent no reply.  That may be the target's fault; it counts as a failure of the proxy once three
  /// targets in a row went unanswered, or targets that other upstreams reached.  Then others are
  /// preferred, but if there is none it is still asked.  nullopt: nothing was learned.
  std::optional<Change> unanswered(Permit permit, std::string_view target, Time begun, Time now);
  /// After unanswered(): another upstream has connected to that target, so it was not the target.
  /// nullopt: the silence is not enough to count yet, or had counted before.
  std::optional<Change> target_was_reached(std::string_view target, Time now);
  /// Too many requests went unanswered, and none has been answered since.
  bool is_silent() const;

  // ---- probes

  /// Whether a connection to the probed host came through.  True if that is news: the caller
  /// may log it once.
  bool probe_passed();
  bool probe_failed();
  /// A failure of the proxy itself, which failed() reports.
  void probe_failed_quietly();
  /// Nobody probes any more.
  void forget_probe();

  // ---- successes that were none

  /// The proxy reported success and closed before its first byte, although the client had sent
  /// something.  Returns how often so far when that is worth a line, at most once a minute.
  std::optional<std::uint64_t> false_success(Time now);
  std::uint64_t false_successes() const;

  // ---- what follows for the next request

  struct View {
    bool open = false;          ///< the breaker is: others are preferred
    bool probe_failed = false;  ///< nothing has come through since: others are preferred
    bool fails_slowly = false;  ///< asking it costs the client the time of a timeout
    bool is_preferred() const { return !open && !probe_failed; }
    /// If there is no better one.
    bool may_be_asked() const { return !open || !fails_slowly; }
  };
  View view(Time now) const;
  /// How long the present row of failures has lasted; 0 if there is none.
  std::chrono::milliseconds down_for(Time now) const;
  /// As it is at this moment.
  Breaker breaker() const;

 private:
  class Update;
  Change fail(Permit permit, bool slowly, Time now);
  void note_reply(Time now);
  Change fail_for_silence(Permit permit, Time now);
  bool has_been_silent() const;

  mutable std::mutex mutex_;
  // Something is wrong: the breaker is open, the probe failed, or requests went unanswered.  As
  // long as nothing is, an attempt takes the lock once, at its end.
  std::atomic<bool> in_doubt_ = false;
  Breaker breaker_;
  bool fails_slowly_ = false;
  Time last_reply_{};
  /// Since then: different targets that went unanswered, and how often that was proven to be the
  /// proxy's fault.
  std::vector<std::string> unanswered_;
  std::size_t proven_silences_ = 0;
  bool probe_failed_ = false;
  bool probe_reported_ = false;  ///< a failure beyond the proxy was, and no success since
  std::uint64_t false_successes_ = 0;
  Time false_success_reported_{};
};

}  // namespace culvert
