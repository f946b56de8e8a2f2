#include "dial/upstream.h"

#include <fmt/format.h>

#include "base/duration.h"
#include "base/text.h"
#include "dial/upstream_protocol.h"

namespace culvert {

bool Upstream::learn(Proof proof, Permit permit, UpstreamHealth::Evidence evidence,
                     const DialResult& result, Time now, Log& log) {
  if (evidence.replied && proof != Proof::works) health->replied(now);
  switch (proof) {
    case Proof::works:
      succeeded(permit, evidence, now, log);
      return true;
    case Proof::fails:
      failed(permit, result.error(), now, log);
      return true;
    case Proof::none:
    case Proof::silent:
      break;
  }
  return false;
}

void Upstream::succeeded(Permit permit, UpstreamHealth::Evidence evidence, Time now, Log& log) {
  const auto change = health->succeeded(permit, now, evidence);
  if (change.back_after) {
    log.write(Log::Level::info, fmt::format("upstream {} is back after {}", config.label,
                                            format_seconds(*change.back_after)));
  }
  if (change.closed && log.enabled(Log::Level::debug)) {
    log.write(Log::Level::debug, fmt::format("{} works, and is asked first again", config.name));
  }
}

void Upstream::failed(Permit permit, const Error& error, Time now, Log& log) {
  const bool slowly = error.code == Errc::connection_timeout;
  report_failure(health->failed(permit, slowly, now), error, log);
}

bool Upstream::unanswered(Permit permit, const HostPort& target, Time begun, const Error& error,
                          Time now, Log& log) {
  const auto change = health->unanswered(permit, target.to_string(), begun, now);
  if (change) report_failure(*change, error, log);
  return change.has_value();
}

void Upstream::target_was_reached(const HostPort& target, const Error& error, Time now, Log& log) {
  const auto change = health->target_was_reached(target.to_string(), now);
  if (change) report_failure(*change, error, log);
}

void Upstream::report_failure(const UpstreamHealth::Change& change, const Error& error,
                              Log& log) const {
  if (change.went_down) {
    memory->went_down(error.text);
    log.write(Log::Level::warning, error.text);
  }
  if (change.open_for && log.enabled(Log::Level::debug)) {
    log.write(Log::Level::debug, fmt::format("{} keeps failing, and is passed over for {}",
                                             config.name, format_seconds(*change.open_for)));
  }
}

void Upstream::stalled(Time silent_since, const StallLimit& limit, Time now, Log& log) {
  if (!health->stalled(silent_since, now)) return;
  log.write(Log::Level::warning,
            fmt::format("upstream {} stalled: {} in a tunnel, see --reset-stalled; it ends, with "
                        "the silent ones beside it, and others are preferred for a minute{}",
                        config.label, limit.describe(), slow_lookup_clause(silent_since, now)));
}

void Upstream::mark_down(bool down, Log& log) {
  if (!health->mark_down(down)) return;
  log.write(Log::Level::warning,
            concat({"upstream ", config.name,
                    down ? " is marked down by an administrator, and not used until that is undone"
                         : " is not marked down any more"}));
}

void Upstream::closed_after_success(std::string_view target, bool client_spoke, Time now,
                                    Log& log) {
  const auto times = health->early_grant(client_spoke ? target : std::string_view(), now);
  if (!times) return;
  log.write(Log::Level::warning,
            fmt::format("upstream {} said yes and closed before its first byte, {} times so far: "
                        "some (shadowsocks, v2ray) say yes before they have connected",
                        config.label, *times));
}

void Upstream::answered_tls_in_http(std::string_view target, Time now, Log& log) {
  const auto times = health->http_for_tls(now);
  if (!times) return;
  const bool has_proxy = protocol_of(config).has_proxy;
  log.write(Log::Level::warning,
            fmt::format("upstream {}: the TLS of a client to {} was answered in HTTP, {} times so "
                        "far: {}that port may speak plain HTTP",
                        config.label, target, *times,
                        has_proxy ? "it may be a web server that says 200 to anything, or " : ""));
}

std::string Upstream::slow_lookup_clause(Time since, Time now) const {
  const auto slow = health->lookups().slow(since, now);
  if (!slow) return {};
  return fmt::format(
      " - a look-up may hold it up: {} waited for {} for an answer beside it, and sshd moves no "
      "bytes while it looks up a name",
      shorten_middle(slow->target, 60), format_seconds(slow->waited));
}

std::string Upstream::early_grants_clause(Time now) const {
  const std::size_t times = health->early_grants_lately(now);
  if (times == 0) return {};
  return fmt::format(" - it has said yes too early {} time{} lately", times, times == 1 ? "" : "s");
}

}  // namespace culvert
