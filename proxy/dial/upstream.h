#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "dial/transport.h"
#include "dial/warm_pool.h"
#include "net/loop.h"
#include "net/tls.h"
#include "policy/breaker.h"

namespace culvert {

class RouteAttempt;

/// What the workers know together about an upstream.
struct UpstreamHealth {
  /// Since when every attempt has shown that the proxy does not work, in nanoseconds of
  /// Loop::Clock; 0 while it works, or nobody has tried.
  std::atomic<std::int64_t> down_since{0};
  /// The log was told that probes fail beyond the proxy, and not yet that one came through.
  std::atomic<bool> probe_told{false};
};

/// A named way out as one worker sees it: its configuration, and what is remembered about it.
struct Upstream {
  using Time = Loop::Clock::time_point;

  Upstream();
  ~Upstream();

  UpstreamConfig config;
  std::shared_ptr<Transport> transport;
  std::shared_ptr<const TlsClientContext> tls;  ///< kind https only
  std::shared_ptr<UpstreamHealth> health = std::make_shared<UpstreamHealth>();
  TlsSessionSlot session;
  Breaker breaker{BreakerLimits{.longest_wait = std::chrono::seconds(10)}, std::random_device()()};
  bool fails_slowly = false;  ///< the last failure was a timeout: asking again costs patience
  Time last_reply{};          ///< when its proxy said something about a target last
  /// Since then: different targets that it was asked for and got no answer, some at most; and how
  /// often that was proven to be its own fault.
  std::vector<std::string> unanswered;
  std::size_t proven_silences = 0;
  bool probe_failed = false;   ///< nothing has come through since: others are preferred
  std::string_view pseudonym;  ///< our name in Via
  /// Value of Proxy-Authorization for requests in absolute-form; may be empty.
  Secret authorization;
  std::unique_ptr<WarmPool> warm;     ///< with ?warm=N
  std::uint64_t false_successes = 0;  ///< see closed_after_success()
  Time false_success_told{};
  /// Nobody waits for them: RouteAttempt::overtaken().
  std::vector<std::unique_ptr<RouteAttempt>> stragglers;

  /// Goes on with what was remembered of the same upstream under another configuration.  Attempts
  /// that are under way there tell this one nothing.
  void remember(const Upstream& before);
  /// An attempt begins, whatever the breaker says: its outcome counts even while that is open.
  Breaker::Permit begin_attempt(Time now);
  /// An attempt has shown that the proxy works, or that it does not.  The log is
  /// told when that changes.
  void worked(Breaker::Permit permit, Time now, Log& log);
  void failed(Breaker::Permit permit, const Error& error, Time now, Log& log);
  /// The proxy said something about a target.
  void replied(Time now);
  /// An attempt that began at `begun` has shown that the proxy took a request for `target` and said
  /// no word about it: no proxy is heard before it has connected, and a greeting is only its own.
  /// That may be the target's fault; it counts as the proxy's once it has been so for several
  /// targets in a row, or for one that others reached.  Then others are preferred, but if there is
  /// none it is still asked.  False: nothing was learned.
  bool was_silent(Breaker::Permit permit, const HostPort& target, Time begun, const Error& error,
                  Time now, Log& log);
  /// After was_silent() with `error`: another upstream has connected to that target.
  void silence_was_proxys(const HostPort& target, const Error& error, Time now, Log& log);
  /// It was silent too often, and has not spoken since.
  bool is_silent() const;
  /// It said yes and closed before its first byte, although the client had sent something: it may
  /// say yes before it has connected.  Counted, and told at most once a minute.
  void closed_after_success(Time now, Log& log);
  /// Since the present row of failures began; 0 if there is none.
  std::chrono::milliseconds down_for(Time now) const;

 private:
  void blame_for_silence(Breaker::Permit permit, const Error& error, Time now, Log& log);
};

}  // namespace culvert
