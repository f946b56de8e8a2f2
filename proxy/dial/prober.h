#pragma once

#include <chrono>
#include <memory>

#include "base/host_port.h"
#include "dial/upstream_dial.h"
#include "net/timer.h"

namespace culvert {

/// Asks an upstream for a connection to a known host every so often (`--probe`), because a local
/// port that accepts says nothing about the tunnel behind it.  Any failure counts, as the host is
/// known to be there: the upstream's breaker learns of it, and until something comes through again
/// other upstreams are preferred.
class Prober {
 public:
  /// All outlive the prober.
  Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
         std::chrono::milliseconds interval);
  ~Prober();

 private:
  void probe();
  void on_done(DialResult result);

  Loop& loop_;
  Log& log_;
  Upstream& upstream_;
  const HostPort& host_;
  std::chrono::milliseconds interval_;
  Timer timer_;
  Breaker::Permit permit_ = Breaker::Permit::granted;
  std::unique_ptr<UpstreamDial> dial_;
};

}  // namespace culvert
