#include "check/walk.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/duration.h"
#include "check/advice.h"
#include "check/no_proxy_fix.h"
#include "check/option_fix.h"
#include "dial/dial_text.h"

namespace culvert {
namespace {

/// As in a request to `culvert serve`; a proxy may tell by it that it gets its own request back.
constexpr std::string_view kPseudonym = "culvert-check";

/// Of --timeout.
constexpr std::chrono::milliseconds kMostTimeout = std::chrono::minutes(10);

std::vector<std::unique_ptr<Upstream>> make_walked(const Ruleset& ruleset, Loop& loop) {
  auto out = make_upstreams(ruleset, loop, kPseudonym);
  for (const auto& upstream : out) {
    upstream->warm.reset();      // nobody fills it
    upstream->proxy_check = {};  // nothing here listens
  }
  return out;
}

/// Keeps what a dial reports.
struct LastResult {
  void take(UpstreamResult&& news) { result.emplace(std::move(news)); }

  std::optional<UpstreamResult> result;
};

}  // namespace

Walk::Walk(std::unique_ptr<Ruleset> ruleset, std::chrono::milliseconds timeout, GivenCheck given)
    : log_(-1, -1, Log::Level::error, Log::Format::text),
      ruleset_(std::move(ruleset)),
      upstreams_(make_walked(*ruleset_, loop_)),
      timeout_(timeout),
      given_(std::move(given)),
      timer_(loop_, Callback<void()>::to<&Walk::on_timeout>(this)) {
  interrupt_.emplace(loop_, SIGINT, Callback<void(int)>::to<&Walk::on_signal>(this));
  terminate_.emplace(loop_, SIGTERM, Callback<void(int)>::to<&Walk::on_signal>(this));
  timer_.start(timeout);
}

Walk::~Walk() = default;

bool Walk::turn() {
  if (over()) return false;
  loop_.turn();
  return !over();
}

bool Walk::is_busy() {
  timer_.stop();
  interrupt_.reset();
  terminate_.reset();
  loop_.turn(0);
  return loop_.busy();
}

void Walk::on_signal(int) { interrupted_ = true; }

std::string Walk::why_over() const {
  return interrupted_ ? "interrupted" : "no answer within " + format_seconds(timeout_);
}

std::string Walk::why_not_tried() const {
  if (interrupted_) return "not tried: interrupted";
  return "not tried: the " + format_seconds(timeout_) + " of --timeout were over";
}

std::optional<Walk::Trial> Walk::dial_through(Upstream& upstream, const HostPort& target,
                                              DialPurpose purpose) {
  if (over()) return std::nullopt;
  LastResult last;
  const AddressCheck check{&ruleset_->guard, AddressGuard::Client::here};
  const auto dial = make_upstream_dial(
      upstream_request(loop_, upstream, target, purpose, check,
                       DialBudget{.total = std::min(kAttemptLimit, config().connect_timeout)}),
      UpstreamDial::Done::to<&LastResult::take>(&last));
  dial->start();
  if (!wait([&] { return last.result.has_value(); })) return std::nullopt;
  const bool works = proof_of(*last.result, dial->replied(), false) == Proof::works;
  if (works) upstream.memory->worked(dial->replied() != Replied::nothing);
  return Trial{std::move(*last.result), dial->times(), dial->replied(), loop_.now()};
}

WayTo Walk::dial(const HostPort& host, DialPurpose purpose) {
  const Route& route = ruleset_->router.route(host);
  const std::string rule = shown_rule(config(), route.rule);
  WayTo way{
      Error{Errc::http_request_denied, Side::local, 0, host.to_string() + " is denied by " + rule},
      rule, nullptr, "denied by " + rule,
      route_fix(&config(), host, host.host, config().upstreams[0].name)};
  way.rule_fix = no_proxy_fix(config(), host);
  for (const std::size_t index : route.upstreams) {
    Upstream& tried = upstream(index);
    way.upstream = &tried;
    auto trial = dial_through(tried, host, purpose);
    if (!trial) {
      way.stream = Error{Errc::canceled, Side::local, 0, why_over()};
      way.cause = why_over();
      way.fix = time_fix();
      return way;
    }
    if (!trial->result) {
      Advice advice = advice_for(trial->result.error(), tried.config, host, &config());
      way.cause = std::move(advice.cause);
      way.fix = std::move(advice.fix);
    }
    way.stream = to_dial_result(std::move(trial->result), tried.config, host, purpose);
    if (way.stream) break;
  }
  return way;
}

std::string Walk::time_fix() const {
  if (interrupted_) return given_.command(given_.targets) + "  # again, without ending it";
  if (timeout_ >= kMostTimeout)
    return given_.command(given_.targets) + "  # see what is slow above";
  return given_.with_timeout(format_duration(std::min(2 * timeout_, kMostTimeout))) +
         "  # if it may take so long; else see what is slow above";
}

StepClock::StepClock(Walk& walk, std::string_view name, std::string subject)
    : walk_(walk), begun_(walk.loop().clock_time()), late_(walk.over()) {
  step_.name = name;
  step_.subject = std::move(subject);
}

void StepClock::fail(std::string cause, std::string fix) {
  step_.ok = false;
  step_.cause = std::move(cause);
  step_.fix = std::move(fix);
}

CheckStep StepClock::end() {
  step_.time = std::chrono::round<std::chrono::microseconds>(walk_.loop().clock_time() - begun_);
  return std::move(step_);
}

}  // namespace culvert
