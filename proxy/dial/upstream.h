#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/host_port.h"
#include "base/log.h"
#include "base/secret.h"
#include "config/config.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"
#include "dial/transport.h"
#include "dial/upstream_counters.h"
#include "dial/upstream_memory.h"
#include "dial/warm_pool.h"
#include "net/loop.h"
#include "net/tls_context.h"
#include "net/tls_session_slot.h"
#include "policy/address_guard.h"
#include "policy/upstream_health.h"
#include "policy/upstream_load.h"

namespace culvert {

/// An attempt that continues without a client: RouteAttempt::overtaken().
class Straggler {
 public:
  virtual ~Straggler() = default;
};

/// What the workers share about an upstream.
struct SharedUpstream {
  std::shared_ptr<const TlsClientContext> tls;  ///< kind https only
  std::shared_ptr<TlsSessionSlot> tls_session = std::make_shared<TlsSessionSlot>();
  std::shared_ptr<UpstreamHealth> health = std::make_shared<UpstreamHealth>();
  std::shared_ptr<UpstreamMemory> memory = std::make_shared<UpstreamMemory>();
  std::shared_ptr<UpstreamLoad> load = std::make_shared<UpstreamLoad>();
  std::shared_ptr<WarmPool> warm;  ///< with ?warm=N
};

/// One upstream as one worker uses it: its configuration, how it is reached from the worker's loop,
/// and what the workers share about it.
struct Upstream : SharedUpstream {
  using Time = Loop::Clock::time_point;
  using Permit = UpstreamHealth::Permit;

  UpstreamConfig config;
  std::shared_ptr<Transport> transport;
  std::string_view pseudonym;  ///< our name in Via
  /// Where its proxy may be: not at our own listeners, if nothing else would end the loop.
  AddressCheck proxy_check;
  /// Value of Proxy-Authorization for requests in absolute-form; may be empty.
  Secret authorization;
  std::vector<std::unique_ptr<Straggler>> stragglers;
  bool learns_pace = false;  ///< a route is balanced by how fast it is
  /// Of the worker.
  std::shared_ptr<UpstreamCounters> counters = std::make_shared<UpstreamCounters>();

  // The outcome of an attempt, see UpstreamHealth.  A change of the health is logged, with the text
  // of `error`.

  /// By what it has proved.  False: nothing yet; Proof::silent may be the target's, see
  /// unanswered().
  bool learn(Proof proof, Permit permit, UpstreamHealth::Evidence evidence,
             const DialResult& result, Time now, Log& log);
  void succeeded(Permit permit, UpstreamHealth::Evidence evidence, Time now, Log& log);
  void failed(Permit permit, const Error& error, Time now, Log& log);
  /// False: nothing was learned.
  bool unanswered(Permit permit, const HostPort& target, Time begun, const Error& error, Time now,
                  Log& log);
  void target_was_reached(const HostPort& target, const Error& error, Time now, Log& log);
  /// It has granted a tunnel to `target` and ended it before the first byte, see EarlyGrants.
  /// `client_spoke`: in vain, as far as a client that sends nothing does not count as proof.
  void closed_after_success(std::string_view target, bool client_spoke, Time now, Log& log);
  /// In a tunnel to `target` the client's TLS was answered in HTTP.
  void answered_tls_in_http(std::string_view target, Time now, Log& log);
  /// For a stall that began at `since`: which look-up beyond the upstream may be its cause, as a
  /// clause that follows all others; empty if there is none.
  std::string slow_lookup_clause(Time since, Time now) const;
  /// For an error that may have the same cause: how often it has done so lately, as a clause that
  /// follows all others; empty if it has not.
  std::string early_grants_clause(Time now) const;
  /// An administrator's mark, see UpstreamHealth; a change is logged.
  [[gnu::cold]] void mark_down(bool down, Log& log);
  /// A tunnel through it has stalled, by `limit`.
  void stalled(Time silent_since, const StallLimit& limit, Time now, Log& log);

 private:
  void report_failure(const UpstreamHealth::Change& change, const Error& error, Log& log) const;
};

}  // namespace culvert
