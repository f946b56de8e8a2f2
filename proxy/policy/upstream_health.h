#pragma once

#include <array>
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
#include "policy/early_grants.h"
#include "policy/minute_count.h"
#include "policy/pending_lookups.h"

namespace culvert {

/// The health of one upstream: whether its proxy works, whether it replies to requests, and whether
/// its probes succeed.  One object for each upstream and process, shared by the workers, each of
/// which may call it at any time.  Has no clock and no log: the caller passes the time, and gets
/// back what its observation has changed.
class UpstreamHealth {
 public:
  using Time = Breaker::Time;
  using Permit = Breaker::Permit;

  /// Limits of an upstream's breaker: it is tried again every 10 s at the latest.
  static constexpr BreakerLimits kLimits = {.longest_wait = std::chrono::seconds(10)};

  explicit UpstreamHealth(const BreakerLimits& limits = kLimits, std::uint32_t seed = 1);

  /// What an observation has changed; nothing by default.
  struct Change {
    bool went_down = false;  ///< it worked so far, or was untried
    /// It works again, after so long.
    std::optional<std::chrono::milliseconds> back_after;
    /// The breaker has opened, or stays open: others are preferred for so long.
    std::optional<std::chrono::milliseconds> open_for;
    bool closed = false;  ///< the breaker was open and is closed now
  };

  // ---- attempts: each begins once and ends in succeeded(), failed(), unanswered() or abandoned()

  /// An attempt begins, whatever the breaker's state: its outcome counts even while that is open.
  Permit begin_attempt(Time now);
  /// What a success has shown beyond that.
  struct Evidence {
    bool replied = false;    ///< the proxy has replied to the request, see replied()
    bool connected = false;  ///< there is a connection: as good as a probe that passed
    /// How long that took, of a client's attempt that connected; else negative.
    std::chrono::nanoseconds took{-1};
  };
  /// It has shown that the proxy works, if only by refusing the target.
  Change succeeded(Permit permit, Time now, Evidence evidence);
  /// It has shown that the proxy does not work.  `slowly`: by a timeout, so that the next client
  /// would have to wait for as long.
  Change failed(Permit permit, bool slowly, Time now);
  /// It ended and proved nothing.
  void abandoned(Permit permit);
  /// begin_attempt() where another upstream could be tried as well: refused if the breaker is open
  /// by now, as another client's attempt is the trial.
  Permit try_attempt(Time now);

  /// An attempt that nobody waits for any more may go on, to prove whether the proxy works; false
  /// if there are as many as a proof takes.  Ends with remove_straggler().
  bool add_straggler();
  void remove_straggler();

  // ---- requests that the proxy accepts without ever replying

  /// The proxy has replied to a request, if only with a refusal.
  void replied(Time now);
  /// An attempt that began at `begun` has shown that the proxy accepted a request for `target` and
  /// sent no reply.  That may be due to the target; it counts as a failure of the proxy once three
  /// targets in a row went unanswered, or targets that other upstreams reached.  Then others are
  /// preferred, but if there is none it is still tried.  nullopt: nothing was learned.
  std::optional<Change> unanswered(Permit permit, std::string_view target, Time begun, Time now);
  /// After unanswered(): another upstream has connected to that target, so it was not the target.
  /// nullopt: the silence is not enough to count yet, or had counted before.
  std::optional<Change> target_was_reached(std::string_view target, Time now);
  /// Too many requests went unanswered, and none has been answered since.
  bool is_silent() const;

  // ---- probes

  /// Whether the probe succeeded.  True if that is a change, which the caller may log once.
  bool probe_passed();
  /// `although_granted`: it failed behind a connection that was granted, so that until one passes
  /// the grants of clients' connections prove nothing either.
  bool probe_failed(bool although_granted = false);
  /// A failure of the proxy itself, which failed() reports.
  void probe_failed_quietly();
  /// Probing has ended.
  void clear_probe();

  // ---- tunnels that stalled

  /// How long others are preferred after a tunnel has stalled.
  static constexpr std::chrono::minutes kStallPause{1};
  /// A tunnel through it was ended, as too little came since then.  True if that is news, which the
  /// caller logs.
  bool stalled(Time silent_since, Time now);
  /// The `silent_since` of the last of them; nullopt if there was none.
  std::optional<Time> last_stall() const;

  // ---- tunnels that were granted too early, see EarlyGrants

  std::optional<std::uint64_t> early_grant(std::string_view target, Time now);
  void early_grant_of_probe(Time now);
  /// A tunnel that began at `begun` has brought a byte.
  void brought_byte(Time begun);
  std::uint64_t early_grants() const;
  std::size_t early_grants_lately(Time now) const;

  /// A client's TLS was answered in HTTP.  Returns how often so far if that is to be logged, at
  /// most once a minute.
  std::optional<std::uint64_t> http_for_tls(Time now);

  // ---- an administrator's mark

  /// Until it is cleared it is not tried, whatever else is known of it.  False: that is no change.
  bool mark_down(bool down);
  bool is_marked_down() const { return marked_down_.load(std::memory_order_acquire); }

  // ---- names that are looked up beyond it

  PendingLookups& lookups() { return lookups_; }

  // ---- what follows for the next request

  struct View {
    bool open = false;          ///< the breaker is open: others are preferred
    bool probe_failed = false;  ///< no success since: others are preferred
    bool fails_slowly = false;  ///< trying it costs the client a timeout
    bool stalls = false;        ///< a tunnel has stalled lately: others are preferred
    bool grants_early = false;  ///< EarlyGrants::pauses(): others are preferred
    bool marked_down = false;   ///< by an administrator: it is not tried
    bool is_preferred() const {
      return (open | probe_failed | stalls | grants_early | marked_down) == 0;
    }
    /// Whether it is tried if there is no better one.
    bool may_be_tried() const { return !marked_down && (!open || !fails_slowly); }
  };
  View view(Time now) const;
  /// How long the current row of failures has lasted; 0 if there is none.
  std::chrono::milliseconds down_for(Time now) const;
  /// A snapshot.
  Breaker breaker() const;

  // ---- for those who look on

  enum class Probe : std::uint8_t { none, passed, failed };
  enum class BreakerState : std::uint8_t { closed, open, half_open };
  /// So many times to connect are remembered.
  static constexpr std::size_t kTimes = 60;
  struct Report {
    bool has_worked = false;  ///< once, at least
    /// How long the current row of failures has lasted; nullopt if there is none.
    std::optional<std::chrono::milliseconds> down_for;
    BreakerState breaker = BreakerState::closed;
    Probe probe = Probe::none;                       ///< the last one, see Evidence::connected
    std::uint64_t early_grants = 0;                  ///< see EarlyGrants::total()
    std::vector<std::chrono::nanoseconds> connects;  ///< the last times to connect, oldest first
  };
  Report report(Time now) const;

 private:
  class Update;
  Change fail(Permit permit, bool slowly, Time now);
  void note_reply(Time now);
  void note_time(std::chrono::nanoseconds took);
  Change fail_for_silence(Permit permit, Time now);
  bool has_been_silent() const;

  PendingLookups lookups_;
  mutable std::mutex mutex_;
  // Something is wrong: the breaker is open, the probe failed, requests went unanswered, a tunnel
  // has stalled or was granted too early, if only once, or it is marked down.  As long as nothing
  // is, an attempt takes the lock once, at its end.
  std::atomic<bool> in_doubt_ = false;
  std::atomic<bool> marked_down_ = false;
  Breaker breaker_;
  bool fails_slowly_ = false;
  Time last_reply_{};
  /// Since then: different targets that went unanswered, and how often that was proven to be due to
  /// the proxy.
  std::vector<std::string> unanswered_;
  std::size_t proven_silences_ = 0;
  bool probe_failed_ = false;
  bool probe_passed_ = false;          ///< once, and probing goes on
  bool grants_prove_nothing_ = false;  ///< see probe_failed()
  bool probe_reported_ = false;        ///< a failure beyond the proxy was, and no success since
  std::size_t stragglers_ = 0;
  std::optional<Time> last_stall_;
  Time stalls_until_{};
  EarlyGrants early_grants_;
  MinuteCount http_for_tls_;
  std::array<std::chrono::nanoseconds, kTimes> times_{};
  std::size_t next_time_ = 0;
  bool times_full_ = false;
};

}  // namespace culvert
