#include "check/way_steps.h"

#include <algorithm>
#include <utility>

#include "base/duration.h"
#include "check/advice.h"
#include "check/hear.h"
#include "check/no_proxy_fix.h"
#include "check/option_fix.h"
#include "check/port_look.h"
#include "codec/clause.h"
#include "codec/protocol_guess.h"
#include "dial/dial_text.h"
#include "dial/prober.h"
#include "dial/upstream_protocol.h"
#include "net/client_hello.h"

namespace culvert {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Route::rule of what our own list takes out.
constexpr std::string_view kByNoProxy = "--no-proxy";

using namespace std::string_view_literals;
/// SOCKS4a with command 127, for a host without a name.
constexpr std::string_view kNoCommand = "\x04\x7f\x00\x01\x00\x00\x00\x01\x00\x00"sv;
constexpr milliseconds kTimeToRefuse{700};

/// "tunnel (socks5://127.0.0.1:1080)"
std::string name_of(const UpstreamConfig& upstream) {
  return upstream.name == upstream.label ? upstream.label
                                         : upstream.name + " (" + upstream.label + ")";
}

std::string names_of(const Config& config, const Route& route) {
  return describe_upstreams(route, ", then ",
                            [&](std::size_t index) { return name_of(config.upstreams[index]); });
}

/// Nothing shows whether it speaks its protocol before it is asked for a target: SOCKS4a.
bool lacks_greeting(const UpstreamConfig& upstream) {
  const UpstreamProtocol protocol = protocol_of(upstream);
  return protocol.has_proxy && !protocol.has_greeting && !protocol.takes_absolute_form;
}

void fail_with(StepClock& clock, Advice advice) {
  clock.fail(std::move(advice.cause), std::move(advice.fix));
}

/// When the connection to the proxy was ready for its own handshake.
DialTimes::Time ready_at(const DialTimes& times) {
  return times.secured != DialTimes::Time{} ? times.secured : times.connected;
}

/// "connect 1 ms, TLS 3 ms"
std::string phases_before_request(DialTimes times) {
  times.phase = DialPhase::connect;
  return describe(times, ready_at(times));
}

bool contains(const std::vector<std::size_t>& list, std::size_t index) {
  return std::find(list.begin(), list.end(), index) != list.end();
}

/// What the target's client would say first; empty: it waits for the target.
std::string first_words(const WayTarget& target) {
  if (target.tls) return make_client_hello(target.host);
  if (!target.plain) return {};
  return "HEAD / HTTP/1.1\r\nHost: " + target.host.to_string() + "\r\nConnection: close\r\n\r\n";
}

}  // namespace

CheckStep route_step(Walk& walk, const HostPort& target) {
  StepClock clock(walk, "route", target.to_string());
  const Router::Explanation found = walk.ruleset().router.explain(target);
  const std::string why = shown_text(walk.config(), found);
  if (!found.route->denied()) {
    clock.step().detail = names_of(walk.config(), *found.route) + " by " + why;
    return clock.end();
  }
  clock.step().detail = "denied";
  const Config& config = walk.config();
  clock.fail("denied by " + why, route_fix(&config, target, target.host, config.upstreams[0].name));
  return clock.end();
}

bool WaySteps::walk_to(const WayTarget& target, TargetReport& report) {
  report_ = &report;
  told_.clear();
  kept_.clear();
  std::vector<std::size_t> usable;
  for (const std::size_t index : walk_.ruleset().router.route(target.host).upstreams) {
    if (pass(index, &target)) usable.push_back(index);
  }
  bool reached = false;
  for (const std::size_t index : usable) {
    if (!reached && !walk_.over()) reached = request(index, target);
  }
  kept_.clear();
  return reached;
}

void WaySteps::walk_upstreams(TargetReport& report) {
  report_ = &report;
  told_.clear();
  for (std::size_t i = 0; i < walk_.config().upstreams.size(); ++i) pass(i, nullptr);
}

/// Whether the upstream works, as far as its steps show.
bool WaySteps::pass(std::size_t index, const WayTarget* target) {
  if (!protocol_of(walk_.upstream(index).config).has_proxy) return true;
  return has_port(index) && pass_hops(index) && pass_upstream(index, target);
}

bool WaySteps::add(std::size_t index, CheckStep step) {
  const bool ok = step.ok;
  told_.push_back(index);
  // What there was no time for may be well.
  if (!ok && !walk_.over()) broken_[index] = step;
  report_->steps.push_back(std::move(step));
  return ok;
}

/// No check can pass one whose port is not known; the first shows it in a step.
bool WaySteps::has_port(std::size_t index) {
  const UpstreamConfig& upstream = walk_.upstream(index).config;
  if (upstream.tunnel == 0 || upstream.address.port != 0) return true;
  if (contains(told_, index)) return false;
  StepClock clock(walk_, "upstream", upstream.label);
  clock.fail(
      "its port is chosen when culvert starts its tunnel, and check starts no "
      "--tunnel-command",
      "culvert status  # names the port: check --upstream " +
          std::string(scheme_of(upstream.kind)) + "://127.0.0.1:PORT");
  return add(index, clock.end());
}

/// From the one that is reached from here.
bool WaySteps::pass_hops(std::size_t index) {
  const auto hop = walk_.upstream(index).config.via_index;
  return !hop || (has_port(*hop) && pass_hops(*hop) && pass_hop(*hop, index));
}

/// `hop` gives a connection to the proxy of `next`.
bool WaySteps::pass_hop(std::size_t hop, std::size_t next) {
  if (broken_.count(hop) != 0) return contains(told_, hop) ? false : add(hop, broken_[hop]);
  Upstream& upstream = walk_.upstream(hop);
  const UpstreamConfig& beyond = walk_.upstream(next).config;
  StepClock clock(walk_, "upstream", upstream.config.label);
  if (lacks_greeting(upstream.config) && !try_without_greeting(clock, upstream)) {
    return add(hop, clock.end());
  }
  auto trial = walk_.dial_through(upstream, beyond.address, DialPurpose::tunnel);
  if (!trial) {
    clock.fail_for_time();
    return add(hop, clock.end());
  }
  if (trial->result) {
    clock.step().detail = describe(trial->times, walk_.loop().now());
  } else if (is_about_upstream(trial->result.error(), upstream.config)) {
    fail_with(clock,
              advice_for(trial->result.error(), upstream.config, beyond.address, &walk_.config()));
  }
  if (!contains(told_, hop) && !add(hop, clock.end())) return false;
  if (trial->result) return true;
  StepClock failed(walk_, "upstream", beyond.label);
  fail_with(failed, advice_beyond(trial->result.error(), upstream.config, beyond, &walk_.config()));
  return add(next, failed.end());
}

bool WaySteps::pass_upstream(std::size_t index, const WayTarget* target) {
  if (broken_.count(index) != 0) {
    return contains(told_, index) ? false : add(index, broken_[index]);
  }
  Upstream& upstream = walk_.upstream(index);
  const UpstreamProtocol protocol = protocol_of(upstream.config);
  StepClock clock(walk_, "upstream", upstream.config.label);
  const bool forwards = target != nullptr && target->plain && protocol.takes_absolute_form;
  if (target == nullptr || protocol.has_greeting || forwards) {
    const bool asks_port = protocol.takes_absolute_form && !protocol.uses_tls;
    if (!try_proxy(clock, upstream, asks_port)) {
      return contains(told_, index) ? false : add(index, clock.end());
    }
  } else if (!lacks_greeting(upstream.config) || try_without_greeting(clock, upstream)) {
    try_tunnel(clock, index, target->host);
  }
  CheckStep step = clock.end();
  if (const auto kept = kept_.find(index); kept != kept_.end()) {
    const DialTimes& times = kept->second.times;
    step.time = std::chrono::round<microseconds>(ready_at(times) - times.begun);
  }
  if (contains(told_, index)) return step.ok;
  return add(index, std::move(step));
}

/// All that needs no target.
bool WaySteps::try_proxy(StepClock& clock, Upstream& upstream, bool asks_port) {
  const HostPort& nowhere = upstream.config.address;
  auto trial = walk_.dial_through(upstream, nowhere, DialPurpose::warm);
  std::string doubt;
  if (trial && trial->result && asks_port) {
    trial->result->reset();  // a proxy may serve one connection at a time
    const PortLook look = look_at_port(walk_, *upstream.transport, upstream.config);
    if (!look.is_proxy) doubt = "; " + kind_of_server(look);
    if (!look.over && look.protocol != "HTTP") {
      trial->result =
          DialFailure{.cause = upstream_fault(
                          look.closed             ? Errc::connection_terminated
                          : look.protocol.empty() ? Errc::connection_timeout
                                                  : Errc::upstream_protocol_error,
                          look.closed ? "closes connections instead of answering in HTTP"
                          : look.protocol.empty() ? "answers nothing in HTTP"
                                                  : other_protocol_clause("HTTP", look.protocol)),
                      .phase = DialPhase::greeting};
    }
  }
  if (!trial || walk_.over()) {
    clock.fail_for_time();
  } else if (trial->result) {
    clock.step().detail = describe(trial->times, walk_.loop().now()) + doubt;
    trial->result->reset();
    return !lacks_greeting(upstream.config) || try_without_greeting(clock, upstream);
  } else {
    fail_with(clock, advice_for(trial->result.error(), upstream.config, nowhere, &walk_.config()));
  }
  return false;
}

/// A server of SOCKS4 is asked for a command that there is not: it refuses that at once, or closes
/// the connection.  An HTTP proxy waits for the end of a line, for as long as a target may take;
/// what is silent is looked at, and many servers of SOCKS4 speak SOCKS5 as well.
bool WaySteps::try_without_greeting(StepClock& clock, Upstream& upstream) {
  if (!upstream.memory->doubts_protocol()) return true;
  auto trial = walk_.dial_through(upstream, upstream.config.address, DialPurpose::warm);
  if (!trial || !trial->result) return true;  // the request will tell
  const Heard heard = hear(walk_, **trial->result, kNoCommand, kTimeToRefuse, kNoCommand.size());
  trial->result->reset();
  std::string_view spoken = guess_protocol(heard.bytes);
  if (heard.end == Heard::End::silent) {
    const PortLook look = look_at_port(walk_, *upstream.transport, upstream.config);
    if (!look.over) spoken = look.protocol;
  }
  if (spoken != "HTTP" && spoken != "TLS") return true;
  const DialFailure failure{
      .cause = upstream_fault(Errc::upstream_protocol_error,
                              other_protocol_clause(spoken_protocol(upstream.config), spoken)),
      .phase = DialPhase::greeting};
  fail_with(clock, advice_for(failure, upstream.config, upstream.config.address, &walk_.config()));
  return false;
}

/// The request for the target is part of what shows whether the proxy is one; its answer is told in
/// the next step.
bool WaySteps::try_tunnel(StepClock& clock, std::size_t index, const HostPort& target) {
  Upstream& upstream = walk_.upstream(index);
  auto trial = walk_.dial_through(upstream, target, DialPurpose::tunnel);
  if (trial && !trial->result && trial->replied == Replied::nothing) {
    look_behind_silence(upstream, trial->result.error());
  }
  if (!trial || (walk_.over() && !trial->result)) {
    clock.fail_for_time();
    return false;
  }
  if (!trial->result && is_about_upstream(trial->result.error(), upstream.config)) {
    fail_with(clock, advice_for(trial->result.error(), upstream.config, target, &walk_.config()));
    return false;
  }
  clock.step().detail = phases_before_request(trial->times);
  kept_.emplace(index, std::move(*trial));
  return true;
}

/// A proxy that is silent may wait for the target, or speak another protocol, or hang.
void WaySteps::look_behind_silence(Upstream& upstream, DialFailure& failure) {
  const UpstreamProtocol protocol = protocol_of(upstream.config);
  const bool is_silence =
      failure.cause.code == Errc::connection_timeout && failure.phase == DialPhase::request;
  if (!is_silence || !protocol.takes_absolute_form || protocol.uses_tls) return;
  const PortLook look = look_at_port(walk_, *upstream.transport, upstream.config);
  if (look.over || look.protocol == "HTTP") return;
  failure.phase = DialPhase::greeting;
  if (look.protocol.empty()) return;
  failure.waited.reset();
  failure.cause =
      upstream_fault(Errc::upstream_protocol_error, other_protocol_clause("HTTP", look.protocol));
}

bool WaySteps::request(std::size_t index, const WayTarget& target) {
  Upstream& upstream = walk_.upstream(index);
  StepClock clock(walk_, "request", target.host.to_string());
  const UpstreamProtocol protocol = protocol_of(upstream.config);
  const bool forwards = target.plain && protocol.takes_absolute_form;
  std::optional<Trial> trial;
  auto before = Loop::Clock::duration::zero();
  if (auto kept = kept_.extract(index)) {
    trial = std::move(kept.mapped());
    before = trial->ended - ready_at(trial->times);
  } else {
    trial = walk_.dial_through(upstream, target.host,
                               forwards ? DialPurpose::forward : DialPurpose::tunnel);
  }
  clock.step().detail = (protocol.has_proxy ? "through " : "") + std::string(upstream.config.label);
  if (!trial) {
    clock.fail_for_time();
  } else if (!trial->result) {
    Advice advice =
        advice_for(trial->result.error(), upstream.config, target.host, &walk_.config());
    const std::string& rule = walk_.ruleset().router.route(target.host).rule;
    if (rule == kByNoProxy) {
      advice.cause += "; it is connected to directly, by " + rule;
      advice.fix = no_proxy_fix(walk_.config(), target.host);
    }
    fail_with(clock, std::move(advice));
  } else if (protocol.has_proxy && !forwards) {
    settle(clock, upstream, **trial->result, target);
  }
  CheckStep step = clock.end();
  step.time += std::chrono::round<microseconds>(before);
  const bool ok = step.ok;
  report_->steps.push_back(std::move(step));
  return ok;
}

/// Some proxies grant a connection before they have one.
void WaySteps::settle(StepClock& clock, const Upstream& upstream, Stream& stream,
                      const WayTarget& target) {
  const std::string words = first_words(target);
  const milliseconds patience =
      words.empty() ? Prober::kSettles : upstream.config.connect_timeout.value_or(kAttemptLimit);
  const Heard heard = hear(walk_, stream, words, patience, 1);
  const std::string seconds = format_seconds(heard.after);
  switch (heard.end) {
    case Heard::End::heard:
      return;
    case Heard::End::silent:
      if (words.empty()) return;
      return fail_with(clock, early_end_advice(upstream.config, target.host,
                                               "not one byte came back within " + seconds));
    case Heard::End::closed:
      return fail_with(clock, early_end_advice(upstream.config, target.host,
                                               heard.after < milliseconds(500)
                                                   ? "closed the connection at once"
                                                   : "closed the connection after " + seconds));
    case Heard::End::over:
      return clock.fail_for_time();
  }
}

}  // namespace culvert
