#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/host_port.h"
#include "base/ip_address.h"
#include "policy/router.h"
#include "policy/target_pattern.h"

namespace culvert {

/// Notices hosts that pulls seem to need and that no preset names, as registries move their storage
/// without notice: those that a client asks for soon after a registry that a route has by a preset,
/// and that no rule names.  One object for a configuration, shared by the workers, each of which
/// may call it at any time.
class PresetGaps {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kSoon{10};  ///< after the registry
  static constexpr std::size_t kMostClients = 64;   ///< that are remembered at a time
  static constexpr std::size_t kMostReported = 64;  ///< hosts, and then no more

  /// A route with presets.
  struct PresetRoute {
    std::vector<const Preset*> presets;
    std::vector<std::size_t> upstreams;
    std::string names;  ///< of these, as a --route has them: "tunnel,office"
  };

  /// `router`, which has these routes among its rules, outlives it.
  PresetGaps(const Router& router, const std::vector<PresetRoute>& routes);

  /// An admitted client asks for a tunnel.  Returns a sentence for the log if a pull may need
  /// `target` and goes another way than its registry; once for each target.  `client` is nullopt
  /// for a unix socket.
  std::optional<std::string> note(const std::optional<IpAddress>& client, const HostPort& target,
                                  Time now);

  /// What was reported under an earlier configuration is not reported again.
  void keep_reported(const PresetGaps& before);

 private:
  struct Registries {
    const Preset* preset;
    std::vector<TargetPattern> patterns;
    std::vector<std::size_t> upstreams;
    std::string names;
  };
  /// The registry that a client has asked for last.
  struct Pull {
    std::optional<IpAddress> client;
    std::string registry;
    const Registries* of;
    Time at;
  };

  const Registries* registries_with(const HostPort& target) const;
  void remember(Pull pull);
  std::optional<Pull> recent_pull(const std::optional<IpAddress>& client, Time now) const;
  bool is_named(const HostPort& target) const;

  const Router& router_;
  std::vector<Registries> registries_;
  std::vector<TargetPattern> known_;  // to any preset

  mutable std::mutex mutex_;
  std::vector<Pull> pulls_;
  std::set<std::string> reported_;
};

}  // namespace culvert
