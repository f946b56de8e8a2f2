#pragma once

#include <string>

#include "session/context.h"
#include "session/relay.h"
#include "session/session_record.h"

namespace culvert {

/// How a tunnel ended, for its record.
struct TunnelEnd {
  Outcome outcome = Outcome::Kind::ok;
  Side closed_by = Side::local;
  std::string detail;  ///< for the log; often empty
};

/// Judges the end of `relay`, the tunnel of `record`.  What it shows about the upstream is
/// remembered, and logged: that it may have granted the tunnel before it had connected to the
/// target (EarlyGrants), or may be no proxy at all.
TunnelEnd judge_tunnel_end(const Relay& relay, const SessionRecord& record,
                           const SessionContext& context);

}  // namespace culvert
