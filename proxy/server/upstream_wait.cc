#include "server/upstream_wait.h"

#include <chrono>
#include <utility>

#include "dial/dial_text.h"
#include "dial/prober.h"
#include "dial/upstream_protocol.h"

namespace culvert {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kBetweenAttempts{100};
constexpr milliseconds kSlow{3'000};

/// The same upstream with nothing known about it yet, and nobody to share what is learned.
Upstream unknown_like(const Upstream& upstream) {
  Upstream out;
  out.tls = upstream.tls;
  out.config = upstream.config;
  out.transport = upstream.transport;
  out.pseudonym = upstream.pseudonym;
  return out;
}

}  // namespace

/// To reach one upstream, or a host through it.
struct UpstreamWait::Attempt {
  Attempt(UpstreamWait& owner, const Upstream& like) : wait(owner), upstream(unknown_like(like)) {}

  void begin() {
    const Config& config = wait.config_;
    if (config.probe_tls) return begin_prober(*config.probe_tls);
    if (dial) return;
    const DialPurpose purpose = config.probe ? DialPurpose::tunnel : DialPurpose::warm;
    dial = make_upstream_dial(
        upstream_request(wait.loop_, upstream, target(), purpose, AddressCheck{}, DialBudget{}),
        UpstreamDial::Done::to<&Attempt::on_done>(this));
    dial->start();
  }
  /// It tries again by itself.
  void begin_prober(const HostPort& host) {
    if (prober) return;
    prober = std::make_unique<Prober>(wait.loop_, wait.quiet_, upstream, host, kBetweenAttempts,
                                      ProbeFor::tls_answer,
                                      Callback<void()>::to<&Attempt::on_passed>(this));
  }
  const HostPort& target() const {
    return wait.config_.probe ? *wait.config_.probe : upstream.config.address;
  }

  void on_passed() { wait.on_works(); }
  void on_done(UpstreamResult&& result) {
    const auto ended = std::move(dial);
    if (result) return wait.on_works();
    wait.problem_ = upstream.config.label + " " + short_cause(result.error(), target());
  }

  UpstreamWait& wait;
  Upstream upstream;
  std::unique_ptr<UpstreamDial> dial;
  std::unique_ptr<Prober> prober;
};

UpstreamWait::UpstreamWait(Loop& loop, const Config& config,
                           const std::vector<std::unique_ptr<Upstream>>& upstreams, Done done,
                           Slow slow)
    : loop_(loop),
      config_(config),
      upstreams_(upstreams),
      done_(done),
      slow_(slow),
      quiet_(-1, -1, Log::Level::error, Log::Format::text),
      timer_(loop, Callback<void()>::to<&UpstreamWait::on_tick>(this)) {}

UpstreamWait::~UpstreamWait() = default;

void UpstreamWait::start() {
  begun_ = loop_.now();
  timer_.start(kBetweenAttempts);
  for (const std::size_t index : config_.default_route) {
    const Upstream& upstream = *upstreams_[index];
    // Nothing stands between us and the target.
    if (!protocol_of(upstream.config).has_proxy) on_works();
    attempts_.push_back(std::make_unique<Attempt>(*this, upstream));
  }
  if (attempts_.empty()) on_works();
  if (!works_) begin_attempts();
}

void UpstreamWait::begin_attempts() {
  for (const auto& attempt : attempts_) attempt->begin();
}

void UpstreamWait::on_works() {
  works_ = true;
  timer_.start(milliseconds(0));
}

void UpstreamWait::on_tick() {
  const auto waited = loop_.now() - begun_;
  const bool may_be_starting = !config_.tunnel_command.empty() || !problem_.empty();
  if (works_ || !may_be_starting) return done_(true);
  if (waited >= config_.connect_timeout) return done_(false);
  timer_.start(kBetweenAttempts);
  begin_attempts();
  if (waited >= kSlow && !std::exchange(told_slow_, true)) slow_();
}

}  // namespace culvert
