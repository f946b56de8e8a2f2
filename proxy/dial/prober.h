#pragma once

#include <chrono>
#include <memory>

#include "base/host_port.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "net/timer.h"

namespace culvert {

/// Asks an upstream for a connection to a known host every so often (`--probe`), because a local
/// port that accepts proves nothing about the tunnel behind it.  Any failure counts, as the host is
/// known to be there: until a connection comes through again other upstreams are preferred.  So
/// does a success that is followed by the end of the connection within a second, since some proxies
/// report success before they have connected.
///
/// The breaker learns only what an attempt for a client would teach it: that the proxy itself
/// works, or does not.  The trials of an open breaker are left to clients.
class Prober final : private StreamEvents {
 public:
  /// All outlive the prober.
  Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
         std::chrono::milliseconds interval);

 private:
  void on_timer();
  void probe();
  void on_done(UpstreamResult&& result);
  void on_ready(Stream& stream) override;
  void pass();
  void fail(const std::string& text);

  Loop& loop_;
  Log& log_;
  Upstream& upstream_;
  const HostPort& host_;
  std::chrono::milliseconds interval_;
  Timer timer_;
  std::unique_ptr<UpstreamDial> dial_;
  std::unique_ptr<Stream> stream_;  // after a success, while it is seen whether it lasts
};

}  // namespace culvert
