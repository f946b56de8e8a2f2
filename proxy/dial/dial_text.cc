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
namespace {

using std::chrono::milliseconds;
using Subject = DialFailure::Subject;

/// Builds a sentence.
struct Sentence {
  std::string text;
  bool names_target = false;
};

Sentence about_upstream(const DialFailure& failure, const UpstreamConfig& upstream) {
  std::string text = "upstream " + shown_upstream(upstream.label) + " " + failure.cause.text;
  const bool refused =
      failure.phase == DialPhase::connect && failure.cause.code == Errc::connection_refused;
  if (refused) text += " - is the tunnel up?";
  return {std::move(text), failure.cause.names_target};
}

/// The upstream's proxy could not be reached through another upstream.  Of a long chain only both
/// ends are named: the upstream that was tried, and the hop that failed.
Sentence about_hop(const std::string& cause, const UpstreamConfig& upstream, const HostPort& target,
                   DialPurpose purpose) {
  if (purpose == DialPurpose::hop) return {cause, false};
  const std::string place =
      purpose == DialPurpose::warm ? ": " : " for " + shown_target(target) + ": ";
  const std::string all = "upstream " + shown_upstream(upstream.label) + " is out of reach" + place;
  std::string meant = shorten_middle(all, kMostOfText - std::min(kMostOfText, cause.size()));
  const bool names_target = purpose != DialPurpose::warm && meant.ends_with(place);
  return {std::move(meant) + cause, names_target};
}

Sentence begin(const DialFailure& failure, const UpstreamConfig& upstream, const HostPort& target,
               DialPurpose purpose) {
  switch (failure.subject) {
    case Subject::upstream:
      break;
    case Subject::target:
      return {"target " + shown_target(target) + " " + failure.cause.text, true};
    case Subject::hop:
      return about_hop(failure.cause.text, upstream, target, purpose);
  }
  return about_upstream(failure, upstream);
}

}  // namespace

std::string describe(const DialFailure& failure, const UpstreamConfig& upstream,
                     const HostPort& target, DialPurpose purpose) {
  Sentence sentence = begin(failure, upstream, target, purpose);
  if (failure.waited) sentence.text += " within " + format_seconds(*failure.waited);
  if (!protocol_of(upstream).has_proxy) {
    sentence.text += " (direct)";
  } else if (purpose != DialPurpose::hop && !sentence.names_target) {
    sentence.text += " (for " + shown_target(target) + ")";
  }
  return std::move(sentence.text);
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
