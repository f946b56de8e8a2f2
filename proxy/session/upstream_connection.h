#pragma once

#include <memory>
#include <string>

#include "base/host_port.h"
#include "dial/upstream.h"
#include "net/loop.h"
#include "net/stream.h"
#include "policy/router.h"

namespace culvert {

/// The connection on which plain requests are sent, kept from one exchange to the next.
struct UpstreamConnection {
  std::unique_ptr<Stream> stream;
  Upstream* upstream = nullptr;  ///< the last one that was tried, even without a stream
  const Route* route = nullptr;  ///< by which it was dialed
  ChosenBy chosen_by = ChosenBy::order;
  /// It ends at an HTTP proxy, which takes requests for every target, in absolute-form; else it
  /// leads to `target`.
  bool to_proxy = false;
  HostPort target;
  bool reused = false;                 ///< it has served a request before the present one
  Loop::Clock::time_point idle_since;  ///< since its last request

  /// Whether a request for `wanted` can be sent on it.  An upgrade needs a connection to the target
  /// itself, as what follows is not HTTP.
  bool leads_to(const HostPort& wanted, bool upgrade) const;

  /// The side that responds on it, for errors; `wanted` is the target of the request.
  std::string name_for(const HostPort& wanted) const;
};

}  // namespace culvert
