#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/host_port.h"
#include "config/config.h"
#include "dial/dial_outcome.h"

namespace culvert {

/// Why something failed, and what helps: CheckStep::cause and fix.
struct Advice {
  std::string cause;
  std::string fix;
};

/// About a dial to `target` through `upstream` that failed.  Of `config`, whose upstream that is,
/// an option keeps the other values; see option_fix.h.
Advice advice_for(const DialFailure& failure, const UpstreamConfig& upstream,
                  const HostPort& target, const Config* config = nullptr);

/// About the upstream `next`, to whose proxy `hop` gives no connection.
Advice advice_beyond(const DialFailure& failure, const UpstreamConfig& hop,
                     const UpstreamConfig& next, const Config* config = nullptr);

/// About an upstream that has granted a connection to `target` "and closed it at once", or "and
/// sent no byte within 8.0 s": `what`, without the "and".
Advice early_end_advice(const UpstreamConfig& upstream, const HostPort& target,
                        std::string_view what);

/// The failure is the upstream's own, whatever the target: of the step `upstream`, not `request`.
bool is_about_upstream(const DialFailure& failure, const UpstreamConfig& upstream);

}  // namespace culvert
