#include "dial/upstream_dial.h"

#include <algorithm>

#include "dial/port_check.h"
#include "dial/proxy_dial.h"
#include "dial/resolving_dial.h"
#include "dial/second_look.h"
#include "dial/upstream.h"
#include "dial/upstream_protocol.h"
#include "dial/warm_dial.h"

namespace culvert {

using std::chrono::milliseconds;

UpstreamRequest upstream_request(Loop& loop, Upstream& upstream, const HostPort& target,
                                 DialPurpose purpose, const AddressCheck& check,
                                 const DialBudget& budget) {
  const auto& own_limit = upstream.config.connect_timeout;
  const milliseconds total = std::min(budget.total, own_limit.value_or(budget.total));
  return {
      .loop = loop,
      .upstream = upstream,
      .target = target,
      .purpose = purpose,
      .check = check,
      .begun = loop.now(),
      .deadline = loop.now() + total,
      .connect_limit = own_limit.value_or(budget.connect),
  };
}

milliseconds UpstreamRequest::left() const {
  return std::max(std::chrono::ceil<milliseconds>(deadline - loop.now()), milliseconds(0));
}

DialFailure UpstreamRequest::timed_out(DialFailure failure) const {
  failure.waited = std::chrono::round<milliseconds>(loop.now() - begun);
  return failure;
}

AddressGuard::Egress UpstreamRequest::egress() const {
  return protocol_of(upstream.config).has_proxy ? AddressGuard::Egress::through_upstream
                                                : AddressGuard::Egress::direct;
}

std::unique_ptr<UpstreamDial> make_upstream_dial(const UpstreamRequest& request,
                                                 UpstreamDial::Done done) {
  if (request.upstream.config.resolve_local && !request.target.ip) {
    return std::make_unique<ResolvingDial>(request, done);
  }
  return make_resolved_dial(request, done);
}

std::unique_ptr<UpstreamDial> make_resolved_dial(const UpstreamRequest& request,
                                                 UpstreamDial::Done done) {
  // A stale connection is detected by the proxy's reply.  Without a handshake on it, the client
  // would get the failure.
  const bool has_handshake = !forwards_to_proxy(request.upstream.config, request.purpose);
  if (request.upstream.warm && request.purpose != DialPurpose::warm && has_handshake) {
    return std::make_unique<WarmDial>(request, done);
  }
  return make_fresh_dial(request, done);
}

std::unique_ptr<UpstreamDial> make_fresh_dial(const UpstreamRequest& request,
                                              UpstreamDial::Done done) {
  const UpstreamConfig& config = request.upstream.config;
  if (PortCheck::is_for(config) && request.purpose != DialPurpose::warm) {
    return std::make_unique<PortCheck>(request, done);
  }
  if (protocol_of(config).has_proxy && !config.via_index) {
    return std::make_unique<SecondLook>(request, done);
  }
  return std::make_unique<ProxyDial>(request, done);
}

}  // namespace culvert
