#pragma once

#include <string>

#include "base/host_port.h"
#include "config/config.h"
#include "dial/dial.h"
#include "dial/dial_outcome.h"

namespace culvert {

// What people read about a dial through `upstream`.  The sentences are made here and nowhere else.

/// `failure` as a sentence that names the upstream and the client's target: it may be all that a
/// user sees.  For DialPurpose::hop the target is left to the dial that waits for the hop.
std::string describe(const DialFailure& failure, const UpstreamConfig& upstream,
                     const HostPort& target, DialPurpose purpose);

/// The same as an Error.
Error to_error(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose);
DialResult to_dial_result(UpstreamResult&& result, const UpstreamConfig& upstream,
                          const HostPort& target, DialPurpose purpose);

/// What somebody does not do whose time in this handshake is over: "did not answer the request".
std::string overdue_clause(DialPhase phase);

/// Where the time went until `now`: "connect 12 ms, TLS 30 ms, handshake 100 ms".
std::string describe(const DialTimes& times, DialTimes::Time now);

}  // namespace culvert
