#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/host_port.h"
#include "base/log.h"
#include "base/trace.h"
#include "codec/handshake.h"
#include "config/config.h"

namespace culvert {

// The steps of a dial, for Trace.  Without one, nothing happens.

/// Whether somebody wants to know of steps that are for the log as well.
inline bool is_told(const Trace* trace, const Log& log) {
  return trace != nullptr || log.enabled(Log::Level::debug);
}
/// Tells them one, of a dial to `target`.
[[gnu::cold]] void tell_step(Trace* trace, Log& log, const HostPort& target, std::string_view what);

/// The name of `address` is looked up here.
[[gnu::cold]] void trace_lookup(Trace* trace, const HostPort& address);
[[gnu::cold]] void trace_addresses(Trace* trace, const HostPort& address,
                                   const std::vector<IpAddress>& found);
[[gnu::cold]] void trace_connecting(Trace* trace, const IpAddress& address, std::uint16_t port);
/// The socket `fd` is connected.
[[gnu::cold]] void trace_connected(Trace* trace, int fd);

/// A message of a handshake with the proxy of `upstream`.  Heads are shown without what may be a
/// secret, of messages of SOCKS that are sent no more than their length.
[[gnu::cold]] void trace_sent(Trace* trace, const UpstreamConfig& upstream, DialPhase phase,
                              std::string_view bytes);
[[gnu::cold]] void trace_received(Trace* trace, const UpstreamConfig& upstream, DialPhase phase,
                                  std::string_view bytes);

}  // namespace culvert
