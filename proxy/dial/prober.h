#pragma once

#include <chrono>
#include <memory>

#include "base/host_port.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "net/timer.h"

namespace culvert {

/// Opens a connection to a known host through an upstream at regular intervals (`--probe`), because
/// a local port that accepts proves nothing about the tunnel behind it.  Any failure counts, as the
/// host is known to be reachable: until a probe succeeds again other upstreams are preferred.  So
/// does a success that is followed by the end of the connection within a second, since some proxies
/// report success before they have connected.
///
/// Of its outcome the breaker counts only what it counts of a client's attempt: whether the proxy
/// itself works.  The trials of an open breaker are left to clients.
class Prober final : private StreamEvents {
 public:
  /// All outlive the prober.
  Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
         std::chrono::milliseconds interval);

 private:
  void on_timer();
  void probe();
  void on_done(UpstreamResult&& outcome);
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
  std::unique_ptr<Stream> stream_;  // after a success, while the prober checks that it stays open
};

}  // namespace culvert
