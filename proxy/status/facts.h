#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"

namespace culvert {

// What the admin interface tells (/api/v1/...), as far as it is shown.  Sizes are bytes, rates
// bytes a second, times seconds.  What is missing is 0 or empty.

struct ShownStatus {
  std::string version, started, state, not_ready_reason, unhealthy_reason;
  std::int64_t pid = 0, uptime = 0;
  bool ready = false, healthy = true;
  std::vector<std::string> listeners;
  std::int64_t connections = 0, tunnels = 0, stalled = 0, held = 0;
  std::int64_t requests_ok = 0, requests_failed = 0;
  std::int64_t bytes_up = 0, bytes_down = 0, rate_up = 0, rate_down = 0;
  std::vector<std::int64_t> history_up, history_down;  ///< oldest first

  bool draining() const { return state == "draining"; }
  static ShownStatus of(const Json& json);
};

struct ShownUpstream {
  std::string name, label, state, reason;
  bool default_route = false;
  std::int64_t down_for = 0;
  std::int64_t tunnels = 0, connected = 0, failed = 0, false_successes = 0;
  std::int64_t warm_wanted = 0, warm_ready = 0, bytes_up = 0, bytes_down = 0;
  std::vector<std::int64_t> connect_ms;  ///< oldest first

  bool down() const { return state == "down" || state == "marked_down"; }
  static std::vector<ShownUpstream> of(const Json& json);
};

struct ShownTunnel {
  std::int64_t id = 0;
  std::string client, user, method, target, upstream, stage, state, stall_side, stall_what;
  std::int64_t age = 0, quiet = 0, stalled_for = 0;
  std::int64_t bytes_up = 0, bytes_down = 0, rate = 0;
  bool rate_known = false;

  static ShownTunnel of(const Json& json);
};

/// A page of them.
struct ShownTunnels {
  std::int64_t total = 0, matching = 0;
  std::vector<ShownTunnel> tunnels;

  /// Something moves, and how fast is known only to who asks again.
  bool lacks_rates() const;

  static ShownTunnels of(const Json& json);
};

struct ShownFailure {
  std::int64_t id = 0, status = 0;
  std::string time, client, method, target, upstream, outcome, explanation, hint, detail;

  static ShownFailure of(const Json& json);
  /// Newest first.
  static std::vector<ShownFailure> list(const Json& json);
};

/// All that is shown at a time.
struct Overview {
  ShownStatus status;
  std::vector<ShownUpstream> upstreams;
  ShownTunnels tunnels;
  std::vector<ShownFailure> failures;
};

}  // namespace culvert
