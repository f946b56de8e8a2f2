#include "session/context.h"

#include <utility>

namespace culvert {

std::unique_ptr<RouteDial> SessionContext::dial(const Route& route, const HostPort& target,
                                                UpstreamDial::Purpose purpose,
                                                AddressGuard::Client client, DialDone done) {
  std::vector<Upstream*> on_route;
  for (const std::size_t index : route.upstreams) on_route.push_back(upstreams[index].get());
  const DialLimits limits{config.connect_timeout, config.hold, config.hedge};
  return std::make_unique<RouteDial>(loop, log, std::move(on_route), target, purpose,
                                     AddressCheck{&guard, client}, limits, done);
}

}  // namespace culvert
