#include "policy/sign_in_pace.h"

#include <algorithm>

namespace culvert {
namespace {

SignInPace::Who one_client(const SignInPace::Who& who) {
  if (!who.client.address) return who;
  return {{who.client.address->of_one_client()}, who.user};
}

/// Nobody has come to trust it, and `checks` are more than a user has who mistypes.
bool exceeds_mistakes(std::size_t checks, SignInPace::Time trusted_until, SignInPace::Time now) {
  return checks > SignInPace::kFreeFailures && now >= trusted_until;
}

std::chrono::milliseconds delay_after(unsigned failures) {
  if (failures < SignInPace::kFreeFailures) return std::chrono::milliseconds(0);
  constexpr unsigned kMostDoublings = 10;
  const unsigned doublings = std::min(failures - SignInPace::kFreeFailures, kMostDoublings);
  return std::min(SignInPace::kFirstDelay * (1U << doublings), SignInPace::kLongestDelay);
}

}  // namespace

SignInPace::Known* SignInPace::find(const Who& who) {
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [&](const Known& known) { return known.who == who; });
  return found == known_.end() ? nullptr : &*found;
}

const SignInPace::Known* SignInPace::find(const Who& who) const {
  return const_cast<SignInPace*>(this)->find(who);
}

/// The place of one that does nothing now is given away, the longest idle one's first.
SignInPace::Known& SignInPace::find_or_add(const Who& who, Time now) {
  if (Known* known = find(who)) {
    if (now - known->last > kMemory) known->failures = 0;
    return *known;
  }
  if (known_.size() >= kMostKnown) {
    const auto rank = [](const Known& known) {
      return known.waiting + known.running > 0 ? Time::max() : known.last;
    };
    Known& oldest = *std::min_element(
        known_.begin(), known_.end(),
        [&](const Known& one, const Known& other) { return rank(one) < rank(other); });
    oldest = Known{.who = who};
    return oldest;
  }
  return known_.emplace_back(Known{.who = who});
}

std::size_t SignInPace::waiting_of(const Client& client) const {
  std::size_t count = 0;
  for (const Known& known : known_) {
    if (known.who.client == client) count += known.waiting;
  }
  return count;
}

std::size_t SignInPace::running_of(const Client& client) const {
  return static_cast<std::size_t>(std::count(running_.begin(), running_.end(), client));
}

bool SignInPace::is_guessing(const Who& who, Time now) const {
  const Known& known = *find(one_client(who));
  return exceeds_mistakes(known.checks(), known.trusted_until, now);
}

/// Checks that wait or run.
std::size_t SignInPace::guesses(Time now) const {
  std::size_t count = 0;
  for (const Known& known : known_) {
    if (exceeds_mistakes(known.checks(), known.trusted_until, now)) {
      count += known.waiting + known.running;
    }
  }
  return count;
}

bool SignInPace::wait(const Who& who, Time now) {
  Known& known = find_or_add(one_client(who), now);
  const bool is_slow = known.failures >= kFreeFailures && now >= known.trusted_until;
  if (known.waiting >= (is_slow ? kMostWaitingDelayed : kMostWaiting)) return false;
  if (waiting_of(known.who.client) >= kMostWaitingOfClient) return false;
  if (exceeds_mistakes(known.checks() + 1, known.trusted_until, now) &&
      guesses(now) >= kMostWaitingGuesses) {
    return false;
  }
  known.last = now;
  ++known.waiting;
  return true;
}

std::optional<SignInPace::Time> SignInPace::may_run(const Who& who) const {
  const Known& known = *find(one_client(who));
  // What runs may be wrong as well.
  const bool is_slow = known.failures + known.running >= kFreeFailures;
  if (is_slow && known.running > 0) return std::nullopt;
  if (running_of(known.who.client) >= at_a_time_) return std::nullopt;
  return known.slow_until;
}

void SignInPace::run(const Who& who) {
  Known& known = *find(one_client(who));
  --known.waiting;
  ++known.running;
  running_.push_back(known.who.client);
}

void SignInPace::leave(const Who& who) { --find(one_client(who))->waiting; }

void SignInPace::end(const Who& who, bool right, Time now) {
  Known& known = *find(one_client(who));
  --known.running;
  running_.erase(std::find(running_.begin(), running_.end(), known.who.client));
  known.last = now;
  if (right) {
    known.failures = 0;
    known.slow_until = {};
    known.trusted_until = now + kMemory;
  } else {
    ++known.failures;
    if (now >= known.trusted_until) known.slow_until = now + delay_after(known.failures);
  }
}

}  // namespace culvert
