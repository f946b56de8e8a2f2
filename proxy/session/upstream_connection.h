#pragma once

#include <memory>
#include <string>

#include "base/host_port.h"
#include "dial/upstream.h"
#include "net/loop.h"
#include "net/stream.h"
#include "policy/router.h"

namespace culvert {

/// The connection that plain requests are sent on, kept from one exchange to the next.
struct UpstreamConnection {
  std::unique_ptr<Stream> stream;
  Upstream* upstream = nullptr;  ///< the last one that was tried, even without a stream
  const Route* route = nullptr;  ///< along which it was dialed
  /// It leads to an HTTP proxy itself, which takes requests for every target, in absolute-form;
  /// else it leads to `target`.
  bool to_proxy = false;
  HostPort target;
  bool reused = false;                 ///< it has served a request before the present one
  Loop::Clock::time_point idle_since;  ///< since its last request

  /// Whether a request for `wanted` can go on it.  An upgrade needs a connection that leads to the
  /// target: what follows it there is no HTTP.
  bool leads_to(const HostPort& wanted, bool upgrade) const;

  /// Who answers on it, for errors; `wanted` is the target of the request.
  std::string name_for(const HostPort& wanted) const;
};

}  // namespace culvert
