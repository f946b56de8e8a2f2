#include "dial/proxy_dial.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/text.h"
#include "dial/dial_text.h"
#include "dial/upstream.h"
#include "dial/upstream_protocol.h"

namespace culvert {

using std::chrono::milliseconds;
using Subject = DialFailure::Subject;

namespace {

/// How long a refusal waits for the rest of its reason: for a packet that follows the first one,
/// even if that must be acknowledged before (Nagle's algorithm) on a long way.
constexpr milliseconds kReasonLimit{250};

/// Its proxy is at an address that is our own.  One that has a name is judged once that is looked
/// up.
std::optional<DialFailure> loop_through(const Upstream& upstream) {
  const AddressCheck& check = upstream.proxy_check;
  const HostPort& proxy = upstream.config.address;
  if (check.guard == nullptr || !proxy.ip) return std::nullopt;
  if (!check.guard->is_ours(*proxy.ip, proxy.port)) return std::nullopt;
  auto fine = check.target(proxy, AddressGuard::Egress::direct);
  return DialFailure{.cause = {std::move(fine).error()}, .phase = DialPhase::connect};
}

}  // namespace

ProxyDial::ProxyDial(const UpstreamRequest& request, Done done, std::unique_ptr<Stream> pooled)
    : request_(request),
      done_(done),
      timer_(request.loop, Callback<void()>::to<&ProxyDial::on_timeout>(this)),
      stream_(std::move(pooled)) {
  times_.pooled = stream_ != nullptr;
}

void ProxyDial::start() {
  if (!stream_) {
    if (auto objection = objection_to(request_)) return fail(std::move(*objection));
    return connect();
  }
  if (request_.check.trace != nullptr) tell("on a connection that is kept ready to ");
  timer_.start(request_.left());
  step_ = next_step();
  advance();
}

/// What the addresses of a proxy have to pass, and what it may be told.
AddressCheck ProxyDial::check_of_proxy(const Upstream& upstream) const {
  AddressCheck check = upstream.proxy_check;
  check.ends = request_.check.ends;
  check.trace = request_.check.trace;
  return check;
}

void ProxyDial::connect() {
  const Upstream& upstream = request_.upstream;
  const bool has_proxy = protocol_of(upstream.config).has_proxy;
  if (auto loops = loop_through(upstream)) return fail(std::move(*loops));
  // Through another upstream, connecting takes that one's handshake too.
  const bool limited = has_proxy && !upstream.config.via_index;
  timer_.start(limited ? std::min(request_.connect_limit, request_.left()) : request_.left());
  const auto done = DialDone::to<&ProxyDial::on_connected>(this);
  transport_ = has_proxy
                   ? upstream.transport->dial(upstream.config.address, Side::upstream,
                                              check_of_proxy(upstream), done)
                   : upstream.transport->dial(request_.target, Side::target, request_.check, done);
  transport_->start();
}

void ProxyDial::on_connected(DialResult result) {
  if (!result) {
    return fail(connect_failure(request_.upstream.config, *transport_, std::move(result).error()));
  }
  transport_.reset();
  stream_ = std::move(*result);
  times_.connected = request_.loop.now();
  step_ = next_step();
  if (step_ != nullptr) timer_.start(request_.left());
  advance();
}

void ProxyDial::tell(std::string_view what) const {
  request_.check.trace->step(concat({what, request_.upstream.config.name}));
}

/// Begins the next handshake; nullptr if there is none.
HandshakeStep* ProxyDial::next_step() {
  if (!times_.pooled && !header_ && request_.upstream.config.proxy_protocol) {
    if (request_.check.trace != nullptr) tell("a PROXY protocol header goes to ");
    header_.emplace(*stream_, proxy_header(request_.upstream.config, request_.check.ends));
    stream_->set_events(this);
    return &*header_;
  }
  if (!times_.pooled && !tls_ && protocol_of(request_.upstream.config).uses_tls) {
    if (request_.check.trace != nullptr) tell("TLS begins with ");
    tls_.emplace(stream_, request_.upstream);
    stream_->set_events(this);
    return &*tls_;
  }
  if (proxy_) return nullptr;
  if (tls_) {
    times_.secured = request_.loop.now();
    if (request_.check.trace != nullptr) tell("TLS stands with ");
  }
  auto handshake = make_proxy_handshake();
  if (!handshake) return nullptr;
  proxy_.emplace(*stream_, std::move(handshake));
  if (request_.check.trace != nullptr) {
    proxy_->tell(*request_.check.trace, request_.upstream.config);
  }
  stream_->set_events(this);
  return &*proxy_;
}

std::unique_ptr<Handshake> ProxyDial::make_proxy_handshake() const {
  const UpstreamConfig& config = request_.upstream.config;
  if (forwards_to_proxy(config, request_.purpose)) return nullptr;
  const auto part = request_.purpose == DialPurpose::warm ? HandshakePart::greeting
                    : times_.pooled                       ? HandshakePart::request
                                                          : HandshakePart::whole;
  return make_handshake(config, part, request_.target, request_.upstream.pseudonym);
}

void ProxyDial::advance() {
  while (step_ != nullptr) {
    switch (step_->advance()) {
      case HandshakeStep::Progress::waits:
        return;
      case HandshakeStep::Progress::refused:
        return await_reason();
      case HandshakeStep::Progress::failed:
        return fail(naming_header(step_failure()));
      case HandshakeStep::Progress::done:
        step_ = next_step();
    }
  }
  succeed();
}

DialFailure ProxyDial::step_failure() const {
  const Io& io = step_->last_io();
  // TLS that fails later: the proxy rejected our side of it.
  const bool tls_broke = tls_ && io.status == Io::Status::error && io.error == EPROTO;
  if (tls_broke) return {.cause = tls_->failure(io), .phase = DialPhase::tls};
  return {
      .cause = step_->failure(io),
      .phase = step_->phase(),
      .closed = io.status == Io::Status::eof,
  };
}

/// Most proxies that do not expect one close at it.
DialFailure ProxyDial::naming_header(DialFailure failure) const {
  const bool ended = failure.closed || is_reset(failure.cause.sys);
  if (header_ && ended && replied() == Replied::nothing) {
    failure.cause.text += ", after a PROXY protocol header";
  }
  return failure;
}

void ProxyDial::await_reason() {
  if (!std::exchange(refused_, true)) timer_.start(std::min(kReasonLimit, request_.left()));
}

void ProxyDial::on_timeout() {
  fail(refused_ ? step_failure() : request_.timed_out(timeout_failure()));
}

DialFailure ProxyDial::timeout_failure() const {
  if (refused_) return step_failure();
  if (transport_) return connect_timeout_failure(request_.upstream.config, *transport_);
  const DialPhase phase = step_->phase();
  return {
      .cause = {{Errc::connection_timeout, Side::upstream, 0, timeout_clause(phase)}},
      .phase = phase,
  };
}

DialTimes ProxyDial::times() const {
  DialTimes times = times_;
  times.begun = request_.begun;
  times.phase = proxy_ ? DialPhase::request : tls_ ? DialPhase::tls : DialPhase::connect;
  return times;
}

void ProxyDial::fail(DialFailure failure) {
  timer_.stop();
  transport_.reset();
  stream_.reset();
  done_(std::move(failure));
}

void ProxyDial::succeed() {
  timer_.stop();
  stream_->set_events(nullptr);
  done_(std::move(stream_));
}

std::optional<DialFailure> objection_to(const UpstreamRequest& request) {
  if (auto permitted = request.check.target(request.target, request.egress()); !permitted) {
    return DialFailure{
        .cause = {std::move(permitted).error()},
        .phase = DialPhase::lookup,
        .subject = Subject::target,
    };
  }
  auto refusal = cannot_request(request.target, request.upstream.config);
  if (!refusal) return std::nullopt;
  return DialFailure{.cause = std::move(*refusal), .phase = DialPhase::lookup};
}

namespace {

Subject connected_to(const UpstreamConfig& upstream) {
  if (!protocol_of(upstream).has_proxy) return Subject::target;
  return upstream.via_index ? Subject::hop : Subject::upstream;
}

}  // namespace

DialFailure connect_failure(const UpstreamConfig& upstream, const Dial& transport, Error error) {
  const Subject subject = connected_to(upstream);
  std::optional<Missing> missing = transport.missing_on_the_way();
  if (subject == Subject::upstream) {
    missing = missing_from(error);
    // Whoever's fault it is that the proxy's name does not resolve: the proxy is out of reach.
    if (missing == Missing::name) error.side = Side::upstream;
  }
  if (subject == Subject::hop && error.side == Side::target) {
    // The hop's target is our proxy, so a refusal came from the far end: no reason to hold.
    error.side = Side::upstream;
    if (error.code == Errc::connection_refused) error.code = Errc::destination_unavailable;
  }
  return {
      .cause = {std::move(error)},
      .phase = DialPhase::connect,
      .subject = subject,
      .missing = missing,
  };
}

DialFailure connect_timeout_failure(const UpstreamConfig& upstream, const Dial& transport) {
  const Subject subject = connected_to(upstream);
  DialFailure failure{
      .cause = {transport.timeout_failure()}, .phase = DialPhase::connect, .subject = subject};
  failure.cause.side = subject == Subject::target ? Side::target : Side::upstream;
  if (subject == Subject::upstream) failure.missing = missing_from(failure.cause);
  return failure;
}

}  // namespace culvert
