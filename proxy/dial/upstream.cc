#include "dial/upstream.h"

#include <fmt/format.h>

#include "base/duration.h"

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
  if (change.went_down) log.write(Log::Level::warning, error.text);
  if (change.open_for && log.enabled(Log::Level::debug)) {
    log.write(Log::Level::debug, fmt::format("{} keeps failing, and is passed over for {}",
                                             config.name, format_seconds(*change.open_for)));
  }
}

void Upstream::stalled(Time silent_since, const StallLimit& limit, Time now, Log& log) {
  if (!health->stalled(silent_since, now)) return;
  log.write(Log::Level::warning,
            fmt::format("upstream {} stalled: {} in a tunnel, see --reset-stalled; it ends, with "
                        "the silent ones beside it, and others are preferred for a minute",
                        config.label, limit.describe()));
}

void Upstream::closed_after_success(Time now, Log& log) {
  const auto times = health->false_success(now);
  if (!times) return;
  log.write(Log::Level::warning,
            fmt::format("upstream {} said yes and closed before its first byte, {} times so far: "
                        "some (shadowsocks, v2ray) say yes before they have connected",
                        config.label, *times));
}

}  // namespace culvert
