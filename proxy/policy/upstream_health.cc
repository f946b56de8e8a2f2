#include "policy/upstream_health.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace culvert {

using std::chrono::milliseconds;

namespace {

// So many targets in a row without a reply are more than chance.
constexpr std::size_t kSilences = 3;
// So many failures in a row open a breaker; more of them at a time would prove nothing more.
constexpr std::size_t kMostStragglers = BreakerLimits{}.failures;

/// Another worker's clock may be a turn of its loop ahead of the caller's.
milliseconds elapsed(UpstreamHealth::Time since, UpstreamHealth::Time now) {
  return std::max(std::chrono::round<milliseconds>(now - since), milliseconds(0));
}

}  // namespace

/// Holds the lock for a change, and updates the in-doubt flag at its end.
class UpstreamHealth::Update {
 public:
  explicit Update(UpstreamHealth& health) : health_(health), lock_(health.mutex_) {}
  ~Update() {
    health_.in_doubt_.store(health_.breaker_.next_trial() || health_.probe_failed_ ||
                                !health_.unanswered_.empty() || health_.proven_silences_ > 0 ||
                                health_.last_stall_ || health_.early_grants_.any() ||
                                health_.is_marked_down(),
                            std::memory_order_release);
  }
  Update(const Update&) = delete;
  Update& operator=(const Update&) = delete;

 private:
  UpstreamHealth& health_;
  std::lock_guard<std::mutex> lock_;
};

UpstreamHealth::UpstreamHealth(const BreakerLimits& limits, std::uint32_t seed)
    : breaker_(limits, seed) {}

UpstreamHealth::Permit UpstreamHealth::begin_attempt(Time now) {
  const Permit permit = try_attempt(now);
  return permit == Permit::refused ? Permit::granted : permit;
}

UpstreamHealth::Permit UpstreamHealth::try_attempt(Time now) {
  if (!in_doubt_.load(std::memory_order_acquire)) return Permit::granted;
  const std::lock_guard lock(mutex_);
  return breaker_.ask(now);
}

bool UpstreamHealth::add_straggler() {
  const std::lock_guard lock(mutex_);
  if (stragglers_ >= kMostStragglers) return false;
  ++stragglers_;
  return true;
}

void UpstreamHealth::remove_straggler() {
  const std::lock_guard lock(mutex_);
  --stragglers_;
}

UpstreamHealth::Change UpstreamHealth::succeeded(Permit permit, Time now, Evidence evidence) {
  const Update update(*this);
  if (evidence.replied) note_reply(now);
  if (evidence.connected && !grants_prove_nothing_) probe_failed_ = false;
  if (evidence.took.count() >= 0) note_time(evidence.took);
  Change change;
  if (const auto since = breaker_.down_since()) change.back_after = elapsed(*since, now);
  change.closed = breaker_.next_trial().has_value();
  fails_slowly_ = false;
  breaker_.succeeded(permit, now);
  return change;
}

UpstreamHealth::Change UpstreamHealth::failed(Permit permit, bool slowly, Time now) {
  const Update update(*this);
  return fail(permit, slowly, now);
}

UpstreamHealth::Change UpstreamHealth::fail(Permit permit, bool slowly, Time now) {
  Change change;
  change.went_down = !breaker_.down_since().has_value();
  fails_slowly_ = slowly;
  const auto trial = breaker_.next_trial();
  breaker_.failed(permit, now);
  if (breaker_.next_trial() != trial) change.open_for = elapsed(now, *breaker_.next_trial());
  return change;
}

void UpstreamHealth::abandoned(Permit permit) {
  if (permit != Permit::trial) return;
  const Update update(*this);
  breaker_.abandoned(permit);
}

void UpstreamHealth::replied(Time now) {
  const Update update(*this);
  note_reply(now);
}

void UpstreamHealth::note_time(std::chrono::nanoseconds took) {
  times_[next_time_] = took;
  if (++next_time_ < kTimes) return;
  next_time_ = 0;
  times_full_ = true;
}

void UpstreamHealth::note_reply(Time now) {
  unanswered_.clear();
  proven_silences_ = 0;
  last_reply_ = now;
}

std::optional<UpstreamHealth::Change> UpstreamHealth::unanswered(Permit permit,
                                                                 std::string_view target,
                                                                 Time begun, Time now) {
  const Update update(*this);
  if (last_reply_ > begun) return std::nullopt;
  if (!has_been_silent()) {
    if (std::find(unanswered_.begin(), unanswered_.end(), target) == unanswered_.end()) {
      unanswered_.emplace_back(target);
    }
    if (!has_been_silent()) return std::nullopt;
  }
  return fail_for_silence(permit, now);
}

std::optional<UpstreamHealth::Change> UpstreamHealth::target_was_reached(std::string_view target,
                                                                         Time now) {
  const Update update(*this);
  if (has_been_silent()) return std::nullopt;
  std::erase(unanswered_, target);  // the next time counts as well
  ++proven_silences_;
  if (!has_been_silent()) return std::nullopt;
  return fail_for_silence(Permit::granted, now);
}

/// The undecided ones count as well: the breaker opens.
UpstreamHealth::Change UpstreamHealth::fail_for_silence(Permit permit, Time now) {
  Change sum;
  for (std::size_t i = 0; i < kSilences; ++i) {
    const Change change = fail(permit, false, now);
    sum.went_down = sum.went_down || change.went_down;
    if (change.open_for) sum.open_for = change.open_for;
  }
  return sum;
}

bool UpstreamHealth::has_been_silent() const {
  return unanswered_.size() + proven_silences_ >= kSilences;
}

bool UpstreamHealth::is_silent() const {
  if (!in_doubt_.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(mutex_);
  return has_been_silent();
}

bool UpstreamHealth::probe_passed() {
  const Update update(*this);
  probe_failed_ = grants_prove_nothing_ = false;
  probe_passed_ = true;
  return std::exchange(probe_reported_, false);
}

bool UpstreamHealth::probe_failed(bool although_granted) {
  const Update update(*this);
  probe_failed_ = true;
  grants_prove_nothing_ = although_granted;
  return !std::exchange(probe_reported_, true);
}

void UpstreamHealth::probe_failed_quietly() {
  const Update update(*this);
  probe_failed_ = true;
}

void UpstreamHealth::clear_probe() {
  const Update update(*this);
  probe_failed_ = probe_passed_ = probe_reported_ = grants_prove_nothing_ = false;
}

bool UpstreamHealth::stalled(Time silent_since, Time now) {
  const Update update(*this);
  const bool news = now >= stalls_until_;
  last_stall_ = silent_since;
  stalls_until_ = now + kStallPause;
  return news;
}

std::optional<UpstreamHealth::Time> UpstreamHealth::last_stall() const {
  if (!in_doubt_.load(std::memory_order_acquire)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return last_stall_;
}

std::optional<std::uint64_t> UpstreamHealth::early_grant(std::string_view target, Time now) {
  const Update update(*this);
  return early_grants_.note(target, now);
}

void UpstreamHealth::early_grant_of_probe(Time now) {
  const Update update(*this);
  early_grants_.note_probe(now);
}

void UpstreamHealth::brought_byte(Time begun) {
  if (!in_doubt_.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(mutex_);
  early_grants_.brought_byte(begun);
}

std::uint64_t UpstreamHealth::early_grants() const {
  const std::lock_guard lock(mutex_);
  return early_grants_.total();
}

std::size_t UpstreamHealth::early_grants_lately(Time now) const {
  if (!in_doubt_.load(std::memory_order_acquire)) return 0;
  const std::lock_guard lock(mutex_);
  return early_grants_.lately(now);
}

std::optional<std::uint64_t> UpstreamHealth::http_for_tls(Time now) {
  const std::lock_guard lock(mutex_);
  return http_for_tls_.note(now);
}

bool UpstreamHealth::mark_down(bool down) {
  const Update update(*this);
  return marked_down_.exchange(down, std::memory_order_acq_rel) != down;
}

UpstreamHealth::View UpstreamHealth::view(Time now) const {
  if (!in_doubt_.load(std::memory_order_acquire)) return {};
  const std::lock_guard lock(mutex_);
  return {breaker_.is_open(now),     probe_failed_,   fails_slowly_, now < stalls_until_,
          early_grants_.pauses(now), is_marked_down()};
}

milliseconds UpstreamHealth::down_for(Time now) const {
  const std::lock_guard lock(mutex_);
  const auto since = breaker_.down_since();
  return since ? elapsed(*since, now) : milliseconds(0);
}

Breaker UpstreamHealth::breaker() const {
  const std::lock_guard lock(mutex_);
  return breaker_;
}

UpstreamHealth::Report UpstreamHealth::report(Time now) const {
  const std::lock_guard lock(mutex_);
  Report report;
  report.has_worked = breaker_.last_success().has_value();
  if (const auto since = breaker_.down_since()) report.down_for = elapsed(*since, now);
  if (breaker_.next_trial()) {
    const bool may_try = breaker_.trial_under_way() || !breaker_.is_open(now);
    report.breaker = may_try ? BreakerState::half_open : BreakerState::open;
  }
  if (probe_failed_) {
    report.probe = Probe::failed;
  } else if (probe_passed_) {
    report.probe = Probe::passed;
  }
  report.early_grants = early_grants_.total();
  const auto newest = times_.begin() + static_cast<std::ptrdiff_t>(next_time_);
  if (times_full_) report.connects.assign(newest, times_.end());
  report.connects.insert(report.connects.end(), times_.begin(), newest);
  return report;
}

}  // namespace culvert
