#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "dial/upstream.h"
#include "net/tls_context.h"
#include "net/tls_server_context.h"
#include "policy/access_policy.h"
#include "policy/address_guard.h"
#include "policy/preset_gaps.h"
#include "policy/router.h"
#include "session/password_checks.h"

namespace culvert {

/// The Router of `config`.
Router make_router(const Config& config);

/// What one reading of the configuration makes.  Immutable once the workers share it; a reload
/// makes another one, and sessions keep the one they began with.
struct Ruleset {
  Ruleset(Config config, std::vector<std::shared_ptr<const TlsClientContext>> tls,
          std::vector<std::shared_ptr<TlsServerContext>> tls_listeners = {},
          std::vector<std::shared_ptr<TlsServerContext>> tls_admin = {});
  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  /// The same with `changed`, whose upstreams differ from ours by their ports alone.
  std::unique_ptr<Ruleset> with(Config changed) const;

  /// Takes over the health and the load of those upstreams that `before` has, too, the load of
  /// those that an earlier one had and sessions still go through, which gaps of presets were
  /// reported, the verdicts about passwords, and the keys of TLS tickets.  For a reload, before the
  /// workers share it.
  void keep_from(const Ruleset& before);

  Config config;
  std::vector<SharedUpstream> shared;               ///< for each upstream
  std::shared_ptr<PasswordChecks> password_checks;  ///< null if clients need not sign in
  /// For each listener; null for one without a certificate.
  std::vector<std::shared_ptr<TlsServerContext>> tls_listeners;
  /// The same for Config::admin.
  std::vector<std::shared_ptr<TlsServerContext>> tls_admin;
  AccessPolicy access;
  Router router;
  std::unique_ptr<PresetGaps> preset_gaps;  ///< null if no route has a preset
  std::vector<HostPort> listeners;  ///< our own addresses, set by the server once it has bound them
  AddressGuard guard;

 private:
  /// An upstream of an earlier ruleset, as long as sessions go through it.
  struct Departed {
    std::string name;
    std::string label;
    std::weak_ptr<UpstreamLoad> load;
  };

  void keep_departed(const Ruleset& before, const std::vector<bool>& stays);
  std::shared_ptr<UpstreamLoad> load_of_departed(const UpstreamConfig& upstream) const;
  void keep_ticket_keys(const Ruleset& before);

  std::vector<Departed> departed_;
};

/// For each upstream that speaks TLS the context with its certificates; null for the others.  A
/// file that cannot be used becomes a line of `problems`.
std::vector<std::shared_ptr<const TlsClientContext>> make_tls_contexts(
    const std::vector<UpstreamConfig>& upstreams, std::vector<std::string>& problems);

/// The upstreams of `ruleset` as one loop uses them.  All that is given outlives them.  They count
/// in `counters`; nullptr: nobody looks.
std::vector<std::unique_ptr<Upstream>> make_upstreams(const Ruleset& ruleset, Loop& loop,
                                                      std::string_view pseudonym,
                                                      UpstreamCounterTable* counters = nullptr);

/// A loop through this upstream's proxy would be seen by nobody: its protocol has no Via.
bool may_loop_unseen(const UpstreamConfig& upstream);

/// Each such upstream whose proxy is one of `ruleset.listeners` becomes a line of `problems`.  A
/// proxy that has a name is judged when it is dialed.
void find_loops(const Ruleset& ruleset, std::vector<std::string>& problems);

/// Reads the certificates of a configuration that has other mistakes: each file that cannot be used
/// becomes a line of `problems`.
void find_certificate_problems(const std::vector<UpstreamConfig>& upstreams,
                               const std::vector<ListenConfig>& listen,
                               std::vector<std::string>& problems);

/// Reads the certificates that `config` names.  nullptr if one is not usable; then each problem is
/// a line of `problems`.
std::unique_ptr<Ruleset> make_ruleset(Config config, std::vector<std::string>& problems);

}  // namespace culvert
