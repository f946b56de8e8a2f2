#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/callback.h"
#include "base/log.h"
#include "base/rare_warnings.h"
#include "config/config.h"
#include "dial/route_dial.h"
#include "dial/upstream.h"
#include "net/loop.h"
#include "policy/address_guard.h"
#include "policy/gate.h"
#include "policy/limits.h"
#include "policy/preset_gaps.h"
#include "policy/resumptions.h"
#include "policy/router.h"
#include "session/client_limits.h"
#include "session/flow.h"
#include "session/password_checks.h"
#include "session/session_counters.h"
#include "session/session_record.h"
#include "session/stall_watch.h"

namespace culvert {

class TlsServerContext;
class Tracer;

/// What one --listen has for its clients.  Lives as long as the SessionContext.
struct ListenerTerms {
  const ListenConfig& config;
  const TlsServerContext* tls = nullptr;  ///< null: it has no certificate
};

/// What all sessions of one worker and one configuration share.  Outlives them.
struct SessionContext {
  Loop& loop;
  Log& log;
  const Config& config;
  Gate gate;
  const AddressGuard& guard;
  std::vector<std::unique_ptr<Upstream>>& upstreams;  ///< in the order of Config::upstreams
  Resumptions& resumptions;
  FlowResources flow;
  StallWatch* stalls = nullptr;  ///< nullptr: no tunnel is ended because it stalls
  bool tells_clients = false;    ///< an upstream has ?proxy-protocol
  bool draining = false;         ///< connections are not to be kept open for more requests
  /// Of the worker: that of the configuration in force.  nullptr: this one.
  SessionContext* const* newest = nullptr;
  std::string_view pseudonym;              ///< our name in Via, different for each process
  std::vector<ListenerTerms> listeners{};  ///< in the order of Config::listen
  std::size_t sessions = 0;                ///< how many are alive; each counts itself
  std::size_t tunnels = 0;                 ///< those of them that are tunnels
  /// Called with each record that has its outcome, whether there is an access log or not.  May be
  /// empty.
  Callback<void(const SessionRecord&)> request_finished{};
  /// Called after that with those that have failed or stalled.  May be empty.
  Callback<void(const SessionRecord&)> request_failed{};
  PresetGaps* preset_gaps = nullptr;          ///< null if no route has a preset
  LimitedSessions* limited = nullptr;         ///< of the worker; may be null if no session is
  Limits* client_limits = nullptr;            ///< nullptr: Config::counts_clients() is false
  const PasswordFile* users = nullptr;        ///< null if clients need not sign in
  PasswordChecks* password_checks = nullptr;  ///< null without `users`
  SessionCounters* counters = nullptr;        ///< of the worker; nullptr: nobody counts
  Tracer* tracer = nullptr;                   ///< of the worker; nullptr: nobody wants to see
  RareWarnings rare_warnings{log};

  /// A warning that a client can cause whenever it likes.
  [[gnu::cold]] void warn(RareWarnings::Kind kind, std::string_view text);
  /// A client has met it.
  [[gnu::cold]] void met(Limit limit) const {
    if (counters != nullptr) counters->met(limit);
  }
  /// A client has not sent the whole `what` within Config::header_timeout.
  [[gnu::cold]] Error not_in_time(std::string_view what) const;
  bool is_superseded() const { return newest != nullptr && *newest != this; }
  /// A dial along `route` for a client, through none of the upstreams `without`; the caller starts
  /// it.  nullptr: none is left.
  std::unique_ptr<RouteDial> dial(const Route& route, const HostPort& target, DialPurpose purpose,
                                  const AddressCheck& check, DialDone done,
                                  std::span<Upstream* const> without = {});
};

}  // namespace culvert
