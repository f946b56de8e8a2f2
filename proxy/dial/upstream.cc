#include "dial/upstream.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/duration.h"
#include "dial/route_attempt.h"

namespace culvert {

namespace {

// So many targets in a row that say nothing are more than chance.
constexpr std::size_t kSilences = 3;

}  // namespace

Upstream::Upstream() = default;
Upstream::~Upstream() = default;

void Upstream::remember(const Upstream& before) {
  breaker = before.breaker;
  breaker.abandoned(Breaker::Permit::trial);
  fails_slowly = before.fails_slowly;
  last_reply = before.last_reply;
  unanswered = before.unanswered;
  proven_silences = before.proven_silences;
  probe_failed = before.probe_failed;
  false_successes = before.false_successes;
  false_success_told = before.false_success_told;
}

Breaker::Permit Upstream::begin_attempt(Time now) {
  const auto permit = breaker.ask(now);
  return permit == Breaker::Permit::refused ? Breaker::Permit::granted : permit;
}

void Upstream::worked(Breaker::Permit permit, Time now, Log& log) {
  const auto down = down_for(now);
  if (health->down_since.exchange(0) != 0) {
    log.write(Log::Level::info,
              fmt::format("upstream {} is back after {}", config.label, format_seconds(down)));
  }
  fails_slowly = false;
  if (breaker.next_trial() && log.enabled(Log::Level::debug)) {
    log.write(Log::Level::debug, fmt::format("{} works, and is asked first again", config.name));
  }
  breaker.succeeded(permit, now);
}

void Upstream::failed(Breaker::Permit permit, const Error& error, Time now, Log& log) {
  std::int64_t up = 0;
  if (health->down_since.compare_exchange_strong(up, now.time_since_epoch().count())) {
    log.write(Log::Level::warning, error.text);
  }
  fails_slowly = error.code == Errc::connection_timeout;
  const auto trial = breaker.next_trial();
  breaker.failed(permit, now);
  if (breaker.next_trial() != trial && log.enabled(Log::Level::debug)) {
    const auto wait = std::chrono::round<std::chrono::milliseconds>(*breaker.next_trial() - now);
    log.write(Log::Level::debug, fmt::format("{} keeps failing, and is passed over for {}",
                                             config.name, format_seconds(wait)));
  }
}

void Upstream::replied(Time now) {
  unanswered.clear();
  proven_silences = 0;
  last_reply = now;
}

bool Upstream::is_silent() const { return unanswered.size() + proven_silences >= kSilences; }

bool Upstream::was_silent(Breaker::Permit permit, const HostPort& target, Time begun,
                          const Error& error, Time now, Log& log) {
  if (last_reply > begun) return false;
  if (!is_silent()) {
    const std::string name = target.to_string();
    if (std::find(unanswered.begin(), unanswered.end(), name) == unanswered.end()) {
      unanswered.push_back(name);
    }
    if (!is_silent()) return false;
  }
  blame_for_silence(permit, error, now, log);
  return true;
}

void Upstream::silence_was_proxys(const HostPort& target, const Error& error, Time now, Log& log) {
  if (is_silent()) return;
  std::erase(unanswered, target.to_string());  // the next time counts as well
  ++proven_silences;
  if (is_silent()) blame_for_silence(Breaker::Permit::granted, error, now, log);
}

/// Those that were in doubt count as well: the breaker opens.
void Upstream::blame_for_silence(Breaker::Permit permit, const Error& error, Time now, Log& log) {
  for (std::size_t i = 0; i < kSilences; ++i) failed(permit, error, now, log);
  fails_slowly = false;
}

void Upstream::closed_after_success(Time now, Log& log) {
  ++false_successes;
  if (false_success_told != Time{} && now - false_success_told < std::chrono::minutes(1)) return;
  false_success_told = now;
  log.write(Log::Level::warning,
            fmt::format("upstream {} said yes and closed before its first byte, {} times so far: "
                        "some (shadowsocks, v2ray) say yes before they have connected",
                        config.label, false_successes));
}

std::chrono::milliseconds Upstream::down_for(Time now) const {
  const std::int64_t since = health->down_since.load();
  if (since == 0) return std::chrono::milliseconds(0);
  // Another worker's clock may be a turn ahead of ours.
  return std::max(std::chrono::round<std::chrono::milliseconds>(now - Time(Time::duration(since))),
                  std::chrono::milliseconds(0));
}

}  // namespace culvert
