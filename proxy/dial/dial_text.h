#pragma once

#include <string>

#include "base/host_port.h"
#include "config/config.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"

namespace culvert {

// The texts about a dial through `upstream`.  The sentences are made here and nowhere else.

/// `failure` as a sentence that names the upstream and the client's target: it may be all that a
/// user sees.  For DialPurpose::hop the target is added by the dial that uses the hop.
std::string describe(const DialFailure& failure, const UpstreamConfig& upstream,
                     const HostPort& target, DialPurpose purpose);

/// The same as an Error.
Error to_error(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose);
DialResult to_dial_result(UpstreamResult&& result, const UpstreamConfig& upstream,
                          const HostPort& target, DialPurpose purpose);

/// The clause for a timeout in this phase: "did not answer the request".
std::string timeout_clause(DialPhase phase);

/// The duration of each phase until `now`: "connect 12 ms, TLS 30 ms, handshake 100 ms".
std::string describe(const DialTimes& times, DialTimes::Time now);

}  // namespace culvert
