#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "dial/upstream.h"
#include "net/tls_context.h"
#include "policy/access_policy.h"
#include "policy/address_guard.h"
#include "policy/router.h"

namespace culvert {

/// The Router that `config` asks for.
Router make_router(const Config& config);

/// What one reading of the configuration comes to.  Immutable once the workers share it; a reload
/// makes another one, and sessions keep the one they began with.
struct Ruleset {
  Ruleset(Config config, std::vector<std::shared_ptr<const TlsClientContext>> tls);
  Ruleset(const Ruleset&) = delete;
  Ruleset& operator=(const Ruleset&) = delete;

  /// Goes on with the health of those upstreams that `before` has, too.  For a reload, before the
  /// workers share it.
  void keep_health(const Ruleset& before);

  Config config;
  std::vector<SharedUpstream> shared;  ///< for each upstream
  AccessPolicy access;
  Router router;
  std::vector<HostPort> listeners;  ///< our own addresses, set by the server once it has bound them
  AddressGuard guard;
};

/// For each upstream that speaks TLS, what its options name (certificates); null for the others.
/// What is not usable becomes a line of `problems`.
std::vector<std::shared_ptr<const TlsClientContext>> make_tls_contexts(
    const std::vector<UpstreamConfig>& upstreams, std::vector<std::string>& problems);

/// Reads what `config` names (certificates).  nullptr if something is not usable; then each problem
/// has become a line of `problems`.
std::unique_ptr<Ruleset> make_ruleset(Config config, std::vector<std::string>& problems);

}  // namespace culvert
