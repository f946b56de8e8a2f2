#include "dial/dial_text.h"

#include <algorithm>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "codec/clause.h"
#include "dial/upstream_protocol.h"

namespace culvert {

using Subject = DialFailure::Subject;

namespace {

using std::chrono::milliseconds;

/// A cause has to end within so many bytes of our text: some clients cut the status line.
constexpr std::size_t kCauseEnds = 110 - kSigned.size();
/// The room of the upstream's name beside its hop's.
constexpr std::size_t kMostOfBeyond = 40;
/// A longer name of a target stands behind the cause.
constexpr std::size_t kShortTarget = 24;
constexpr std::string_view kAdvice = " - ";

/// The parts of a sentence, in their order unless the target's name is long.
struct Sentence {
  std::string text;    ///< who failed, and why
  std::string advice;  ///< " - is the tunnel up?"; may be empty
  bool names_target = false;
};

/// `clause` with its advice apart.
Sentence split_advice(std::string clause, bool names_target) {
  const std::size_t at = std::min(clause.find(kAdvice), clause.size());
  std::string advice = clause.substr(at);
  clause.resize(at);
  return {std::move(clause), std::move(advice), names_target};
}

/// `clause` without the target, whose name each clause has in one of these forms at most.
std::string without_target(std::string clause, const HostPort& target) {
  const std::string name = shown_target(target);
  const std::string place = " for " + name;
  if (const auto at = clause.find(place); at != std::string::npos) {
    return clause.erase(at, place.size());
  }
  if (const auto at = clause.find("onion service " + name); at != std::string::npos) {
    return clause.replace(at, 14 + name.size(), "the onion service");
  }
  if (const auto at = clause.find(name); at != std::string::npos) {
    clause.replace(at, name.size(), "the target");
  }
  return clause;
}

Sentence about_upstream(const DialFailure& failure, const UpstreamConfig& upstream,
                        const HostPort& target) {
  const bool refused =
      failure.phase == DialPhase::connect && failure.cause.code == Errc::connection_refused;
  Sentence sentence = split_advice(failure.cause.text, failure.cause.names_target);
  if (sentence.names_target && shown_target(target).size() > kShortTarget) {
    sentence = {without_target(std::move(sentence.text), target), std::move(sentence.advice)};
  }
  sentence.text = "upstream " + shown_upstream(upstream.label) + " " + sentence.text;
  if (refused) sentence.advice += " - is the tunnel up?";
  return sentence;
}

/// The upstream's proxy could not be reached through another upstream.  Of a long chain only both
/// ends are named: the upstream that was tried, and the hop that failed.
Sentence about_hop(const std::string& cause, const UpstreamConfig& upstream, const HostPort& target,
                   DialPurpose purpose) {
  Sentence hop = split_advice(cause, false);
  if (purpose == DialPurpose::hop) return hop;
  const std::string name = shorten_middle(upstream.label, kMostOfBeyond);
  const std::string place = purpose == DialPurpose::warm ? "" : " for " + shown_target(target);
  const std::string before = "upstream " + name + " is out of reach" + place + ": ";
  if (before.size() + hop.text.size() > kCauseEnds) {
    hop.text += ", on the way to " + name;
    return hop;
  }
  return {before + hop.text, std::move(hop.advice), !place.empty()};
}

Sentence begin(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose) {
  switch (failure.subject) {
    case Subject::upstream:
      break;
    case Subject::target:
      return split_advice("target " + shown_target(target) + " " + failure.cause.text, true);
    case Subject::hop:
      return about_hop(failure.cause.text, upstream, target, purpose);
  }
  return about_upstream(failure, upstream, target);
}

/// Silence and an end may be due to the protocol; what has advice of its own is known better.
bool asks_for_protocol(const DialFailure& failure, std::string_view advice) {
  const Errc code = failure.cause.code;
  return failure.doubted && failure.subject == Subject::upstream && advice.empty() &&
         (code == Errc::connection_timeout || code == Errc::connection_terminated ||
          code == Errc::tls_protocol_error);
}

}  // namespace

std::string describe(const DialFailure& failure, const UpstreamConfig& upstream,
                     const HostPort& target, DialPurpose purpose) {
  auto [text, advice, names_target] = begin(failure, upstream, target, purpose);
  if (failure.waited) text += " within " + format_seconds(*failure.waited);
  if (asks_for_protocol(failure, advice)) {
    const bool ended = failure.cause.code != Errc::connection_timeout;
    advice = protocol_question(upstream, failure.phase, ended);
  }
  if (!protocol_of(upstream).has_proxy) return text + advice + " (direct)";
  if (purpose == DialPurpose::hop || names_target) return text + advice;
  const std::string name = shown_target(target);
  const std::string place = " (for " + name + ")";
  return name.size() > kShortTarget ? text + place + advice : text + advice + place;
}

namespace {

std::string waited_cause(const DialFailure& failure) {
  const std::string time = " in " + format_seconds(*failure.waited);
  if (failure.cause.code != Errc::connection_timeout) return failure.cause.text + time;
  return (failure.phase == DialPhase::tls ? "no TLS answer" : "no answer") + time;
}

}  // namespace

std::string short_cause(const DialFailure& failure, const HostPort& target) {
  const bool of_hop = failure.subject == Subject::hop;
  std::string text =
      failure.waited && !of_hop ? waited_cause(failure) : std::string(failure.cause.text);
  text = text.substr(0, text.find(kAdvice));
  text = without_target(text.substr(0, text.find(" (SOCKS reply ")), target);
  if (failure.subject == Subject::target) return "the target " + text;
  constexpr std::string_view kUpstream = "upstream ";
  if (!of_hop) return text;
  return "is out of reach: " + (text.starts_with(kUpstream) ? text.substr(kUpstream.size()) : text);
}

Error to_error(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose) {
  const Error& cause = failure.cause;
  return {cause.code, cause.side, cause.sys, describe(failure, upstream, target, purpose)};
}

DialResult to_dial_result(UpstreamResult&& result, const UpstreamConfig& upstream,
                          const HostPort& target, DialPurpose purpose) {
  if (result) return std::move(*result);
  return to_error(result.error(), upstream, target, purpose);
}

Error probe_error(Error error) {
  error.text = "probe: " + error.text;
  return error;
}

Error early_grant_error(const UpstreamConfig& upstream, const HostPort& target, int sys) {
  return {Errc::connection_terminated, Side::upstream, sys,
          fmt::format("upstream {} granted the connection and {} it before the first byte (for {}) "
                      "- it may say yes before it has connected, or the target closed it",
                      shown_upstream(upstream.label), sys == 0 ? "closed" : "reset",
                      shown_target(target))};
}

Error with_clause(Error error, std::string_view clause) {
  error.text += clause;
  return error;
}

Error with_downtime(Error error, milliseconds down) {
  error.text += fmt::format(" (down for {} s)", down.count() / 1'000);
  return error;
}

namespace {

/// What is missing, and that it is.
struct MissingText {
  std::string_view what;
  std::string_view state;
};

MissingText text_of(Missing missing) {
  switch (missing) {
    case Missing::listener:
      break;
    case Missing::name:
      return {"its name", "its name does not resolve yet"};
    case Missing::route:
      return {"a route to it", "there is no route to it yet"};
    case Missing::program:
      return {"the program behind its port", "nothing is behind its port yet"};
  }
  return {"its port", "its port refuses yet"};
}

}  // namespace

Error with_wait(Error error, Missing missing, milliseconds waited) {
  error.text += fmt::format(" - waited {} for {}", format_seconds(waited), text_of(missing).what);
  return error;
}

std::string describe_missing(const UpstreamConfig& upstream, Missing missing) {
  const std::string_view whose = upstream.via_index ? "on the way to it: " : "";
  return fmt::format("{} ({}{})", shown_upstream(upstream.label), whose, text_of(missing).state);
}

Error resting_error(const UpstreamConfig& upstream, std::string_view down, std::string_view cause,
                    const HostPort& target) {
  return {Errc::upstreams_down, Side::upstream, 0,
          fmt::format("upstream {} has been down for {}{}{} - it is asked again later (for {})",
                      shown_upstream(upstream.label), down, cause.empty() ? "" : ": ", cause,
                      shown_target(target))};
}

Error marked_down_error(const UpstreamConfig& upstream, const HostPort& target) {
  return {Errc::upstreams_down, Side::upstream, 0,
          fmt::format("upstream {} is marked down by an administrator (for {})",
                      shown_upstream(upstream.name), shown_target(target))};
}

Error left_out_error(const UpstreamConfig& upstream, std::string_view why, const HostPort& target) {
  return {Errc::upstreams_down, Side::upstream, 0,
          fmt::format("upstream {} was {} (for {})", shown_upstream(upstream.label), why,
                      shown_target(target))};
}

Error local_lookup_error(Error error) {
  error.text += " (resolve=local)";
  return error;
}

HandshakeFailure with_system_error(HandshakeFailure failure, int sys) {
  failure.sys = sys;
  failure.text += " (" + std::generic_category().message(sys) + ")";
  return failure;
}

std::string timeout_clause(DialPhase phase) {
  if (phase == DialPhase::tls) return "did not finish the TLS handshake";
  return "did not answer the " + std::string(to_string(phase));
}

std::string describe(const DialTimes& times, DialTimes::Time now) {
  using Time = DialTimes::Time;
  const auto text = [](std::string_view phase, Time from, Time to) {
    return fmt::format("{} {} ms", phase, std::chrono::round<milliseconds>(to - from).count());
  };
  if (times.pooled) return text("warm, handshake", times.begun, now);
  if (times.connected == Time{}) return text("connect", times.begun, now);
  std::string all = text("connect", times.begun, times.connected);
  const bool secured = times.secured != Time{};
  if (secured || times.phase == DialPhase::tls) {
    all += ", " + text("TLS", times.connected, secured ? times.secured : now);
  }
  if (times.phase > DialPhase::tls) {
    all += ", " + text("handshake", secured ? times.secured : times.connected, now);
  }
  return all;
}

}  // namespace culvert
