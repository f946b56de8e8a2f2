#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"
#include "codec/handshake.h"
#include "config/config.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"

namespace culvert {

// The texts about a dial through `upstream`.  The sentences are made here and nowhere else.

/// `failure` as a sentence that names the upstream and the client's target: it may be all that a
/// user sees.  For DialPurpose::hop the target is added by the dial that uses the hop.
std::string describe(const DialFailure& failure, const UpstreamConfig& upstream,
                     const HostPort& target, DialPurpose purpose);

/// `failure` in a few words that follow the upstream's name, without target and advice, for a text
/// about several upstreams: "refused the connection", "no answer in 4.0 s".
std::string short_cause(const DialFailure& failure, const HostPort& target);

/// The same as describe() as an Error.
Error to_error(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose);
DialResult to_dial_result(UpstreamResult&& result, const UpstreamConfig& upstream,
                          const HostPort& target, DialPurpose purpose);

/// `error` of a probe.
Error probe_error(Error error);

/// Of a plain request: the upstream granted the connection to `target` and ended it before the
/// first byte, with the errno `sys` or 0.
Error early_grant_error(const UpstreamConfig& upstream, const HostPort& target, int sys);

/// `error`, followed by `clause`.
Error with_clause(Error error, std::string_view clause);

/// `error` of an upstream that has been down for so long; it names the downtime in seconds.
Error with_downtime(Error error, std::chrono::milliseconds down);

/// `error` after a hold of so long: " - waited 12 s for its name".
Error with_wait(Error error, Missing missing, std::chrono::milliseconds waited);

/// What a held request is waiting for: "socks5://p:1080 (its name does not resolve yet)".
std::string describe_missing(const UpstreamConfig& upstream, Missing missing);

/// Of an upstream that is not tried now, as it has been down for `down` (format_seconds()) and
/// fails slowly; `cause` is the short_cause() of its last failure, may be empty.
Error resting_error(const UpstreamConfig& upstream, std::string_view down, std::string_view cause,
                    const HostPort& target);

/// Of an upstream that an administrator has marked down.
Error marked_down_error(const UpstreamConfig& upstream, const HostPort& target);

/// Of an upstream that is left out while there are better ones; `why` is "not tried, it keeps
/// failing".
Error left_out_error(const UpstreamConfig& upstream, std::string_view why, const HostPort& target);

/// `error` of a lookup by this host instead of by the proxy.
Error local_lookup_error(Error error);

/// `failure` of a handshake whose connection ended with the errno `sys`.
HandshakeFailure with_system_error(HandshakeFailure failure, int sys);

/// The clause for a timeout in this phase: "did not answer the request".
std::string timeout_clause(DialPhase phase);

/// The duration of each phase until `now`: "connect 12 ms, TLS 30 ms, handshake 100 ms".
std::string describe(const DialTimes& times, DialTimes::Time now);

}  // namespace culvert
