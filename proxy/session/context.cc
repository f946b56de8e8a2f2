#include "session/context.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "codec/clause.h"

namespace culvert {

std::unique_ptr<RouteDial> SessionContext::dial(const Route& route, const HostPort& target,
                                                DialPurpose purpose, const AddressCheck& check,
                                                DialDone done, std::span<Upstream* const> without) {
  RouteLanes lanes{.upstreams = {}, .tiers = route.tiers, .client = check.client_key};
  std::vector<Upstream*>& on_route = lanes.upstreams;
  for (const std::size_t index : route.upstreams) on_route.push_back(upstreams[index].get());
  for (const Upstream* const upstream : without) lanes.remove(upstream);
  if (on_route.empty()) return nullptr;
  if (log.enabled(Log::Level::debug)) {
    std::string names;
    for (const Upstream* upstream : on_route) names += " " + upstream->config.name;
    log.write(Log::Level::debug,
              fmt::format("{}: goes by {} to{}", shown_target(target), route.rule, names));
  }
  DialLimits limits{config.connect_timeout, config.hold, config.hedge};
  if (counters != nullptr) limits.counters = &counters->dials;
  const bool holds_resumed = config.hold.count() > 0 && config.hold_resumed.count() > 0;
  if (holds_resumed && purpose == DialPurpose::tunnel && !resumptions.empty() &&
      resumptions.is_resumption(target.to_string(), loop.now())) {
    limits.resumptions = &resumptions;
    limits.hold_resumed = config.hold_resumed;
  }
  return std::make_unique<RouteDial>(loop, log, std::move(lanes), target, purpose, check, limits,
                                     done);
}

void SessionContext::warn(RareWarnings::Kind kind, std::string_view text) {
  rare_warnings.write(kind, loop.now(), text);
}

Error SessionContext::not_in_time(std::string_view what) const {
  return {Errc::http_request_timeout, Side::client, 0,
          fmt::format("no complete {} within {}", what, format_seconds(config.header_timeout))};
}

}  // namespace culvert
