#include "dial/resolving_dial.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "dial/dial_text.h"
#include "dial/dial_trace.h"
#include "dial/proxy_dial.h"
#include "dial/upstream.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

DialFailure lookup_failure(Error error) {
  return {
      .cause = {std::move(error)},
      .phase = DialPhase::lookup,
      .subject = DialFailure::Subject::target,
  };
}

/// The same request for an address that was checked.
UpstreamRequest by_address(const UpstreamRequest& request, const HostPort& address) {
  return {
      .loop = request.loop,
      .upstream = request.upstream,
      .target = address,
      .purpose = request.purpose,
      .check = {.ends = request.check.ends, .trace = request.check.trace},
      .begun = request.begun,
      .deadline = request.deadline,
      .connect_limit = request.connect_limit,
  };
}

/// The system prefers the first.  A protocol with IPv4 only takes the first that it can express.
const IpAddress& choose(const std::vector<IpAddress>& addresses, UpstreamProtocol protocol) {
  if (!protocol.ipv4_only) return addresses.front();
  const auto found =
      std::find_if(addresses.begin(), addresses.end(), [](const auto& ip) { return ip.is_v4(); });
  return found == addresses.end() ? addresses.front() : *found;
}

}  // namespace

ResolvingDial::ResolvingDial(const UpstreamRequest& request, Done done)
    : request_(request),
      done_(done),
      timer_(request.loop, Callback<void()>::to<&ResolvingDial::on_timeout>(this)) {}

void ResolvingDial::start() {
  if (auto permitted = request_.check.target(request_.target, request_.egress()); !permitted) {
    return fail(lookup_failure(std::move(permitted).error()));
  }
  timer_.start(request_.left());
  trace_lookup(request_.check.trace, request_.target);
  lookup_ =
      std::make_unique<Lookup>(request_.loop, request_.target.full_name(), Side::target,
                               Callback<void(Lookup::Found)>::to<&ResolvingDial::on_found>(this));
}

void ResolvingDial::on_found(Lookup::Found found) {
  lookup_.reset();
  timer_.stop();
  if (!found) {
    return fail(lookup_failure(local_lookup_error(std::move(found).error())));
  }
  trace_addresses(request_.check.trace, request_.target, *found);
  const auto permitted = request_.check.resolved(*found, request_.target.port, request_.egress());
  if (!permitted) return fail(lookup_failure(permitted.error()));
  const IpAddress& chosen = choose(*permitted, protocol_of(request_.upstream.config));
  resolved_ = HostPort{chosen.to_string(), request_.target.port, chosen};
  dial_ = make_resolved_dial(by_address(request_, resolved_),
                             Done::to<&ResolvingDial::on_dialed>(this));
  dial_->start();
}

void ResolvingDial::on_dialed(UpstreamResult&& result) {
  // The clause names the address, not the client's target.
  if (!result) result.error().cause.names_target = false;
  done_(std::move(result));
}

void ResolvingDial::on_timeout() { fail(request_.timed_out(timeout_failure())); }

DialFailure ResolvingDial::timeout_failure() const {
  if (dial_) return dial_->timeout_failure();
  return lookup_failure({Errc::dns_timeout, Side::target, 0, "did not resolve here"});
}

DialTimes ResolvingDial::times() const {
  if (dial_) return dial_->times();
  return {.begun = request_.begun};
}

void ResolvingDial::fail(DialFailure failure) {
  timer_.stop();
  lookup_.reset();
  done_(std::move(failure));
}

}  // namespace culvert
