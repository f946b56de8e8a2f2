#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/host_port.h"
#include "dial/upstream.h"
#include "dial/upstream_dial.h"
#include "net/output.h"
#include "net/timer.h"

namespace culvert {

/// What a probe wants behind the connection that an upstream grants.
enum class ProbeFor : std::uint8_t {
  connection,  ///< that it stays open for a while (`--probe`)
  tls_answer,  ///< an answer to a ClientHello, a ServerHello or an alert (`--probe-tls`)
};

/// Opens a connection to a known host through an upstream at regular intervals, because a local
/// port that accepts proves nothing about the tunnel behind it.  Any failure counts, as the host is
/// known to be reachable: until a probe succeeds again other upstreams are preferred.  So does a
/// connection that is granted and then ended within kSettles, since some proxies grant it before
/// they have connected; and with ProbeFor::tls_answer all but bytes of a TLS server, whose
/// certificate is not judged: a black hole behind an early grant stays open for ever, and a web
/// server may grant anything.
///
/// Of its outcome the breaker counts only what it counts of a client's attempt: whether the proxy
/// itself works.  The trials of an open breaker are left to clients.
class Prober final : private StreamEvents {
 public:
  /// v2ray tries for a little more than 1 s behind its early grant, and for up to 2 s if the target
  /// is far away.
  static constexpr std::chrono::milliseconds kSettles{3'000};

  /// All outlive the prober.  `passed` is called after each probe that has passed; it may destroy
  /// the prober.
  Prober(Loop& loop, Log& log, Upstream& upstream, const HostPort& host,
         std::chrono::milliseconds interval, ProbeFor wanted = ProbeFor::connection,
         Callback<void()> passed = {});

  /// The first probe comes after an interval, not at once.
  void begin_later() { timer_.start(interval_); }

 private:
  void on_timer();
  void probe();
  void on_done(UpstreamResult&& outcome);
  void on_ready(Stream& stream) override;
  void receive();
  void take(std::string_view bytes);
  void on_ended();
  void on_silence();
  std::chrono::milliseconds patience() const;
  void pass();
  void fail(const std::string& text);
  std::string granted() const;

  Loop& loop_;
  Log& log_;
  Upstream& upstream_;
  const HostPort& host_;
  std::chrono::milliseconds interval_;
  ProbeFor wanted_;
  Callback<void()> passed_;
  Timer timer_;
  std::unique_ptr<UpstreamDial> dial_;
  std::unique_ptr<Stream> stream_;  // after a grant, while the prober watches it
  Loop::Clock::time_point granted_at_;
  Output hello_;        // what is left of it to send
  std::string answer_;  // its first bytes
};

}  // namespace culvert
