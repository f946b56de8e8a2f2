#include "policy/sign_in_pace.h"

#include <algorithm>

namespace culvert {
namespace {

SignInPace::Client one_client(const SignInPace::Client& client) {
  return client ? SignInPace::Client(client->of_one_client()) : client;
}

std::chrono::milliseconds delay_after(unsigned failures) {
  if (failures < SignInPace::kFreeFailures) return std::chrono::milliseconds(0);
  constexpr unsigned kMostDoublings = 10;
  const unsigned doublings = std::min(failures - SignInPace::kFreeFailures, kMostDoublings);
  return std::min(SignInPace::kFirstDelay * (1U << doublings), SignInPace::kLongestDelay);
}

}  // namespace

SignInPace::Known* SignInPace::find(const Client& client) {
  const auto found = std::find_if(known_.begin(), known_.end(),
                                  [&](const Known& known) { return known.client == client; });
  return found == known_.end() ? nullptr : &*found;
}

const SignInPace::Known* SignInPace::find(const Client& client) const {
  return const_cast<SignInPace*>(this)->find(client);
}

/// The place of a client that does nothing now is given away, the longest idle one's first.
SignInPace::Known& SignInPace::find_or_add(const Client& client, Time now) {
  if (Known* known = find(client)) {
    if (now - known->last > kMemory) known->failures = 0;
    return *known;
  }
  if (known_.size() >= kMostClients) {
    const auto rank = [](const Known& known) {
      return known.waiting + known.running > 0 ? Time::max() : known.last;
    };
    Known& oldest = *std::min_element(
        known_.begin(), known_.end(),
        [&](const Known& one, const Known& other) { return rank(one) < rank(other); });
    oldest = Known{.client = client};
    return oldest;
  }
  return known_.emplace_back(Known{.client = client});
}

bool SignInPace::wait(const Client& client, Time now) {
  Known& known = find_or_add(one_client(client), now);
  const bool is_slow = known.failures >= kFreeFailures;
  if (known.waiting >= (is_slow ? kMostWaitingDelayed : kMostWaiting)) return false;
  known.last = now;
  ++known.waiting;
  return true;
}

std::optional<SignInPace::Time> SignInPace::may_run(const Client& client) const {
  const Known& known = *find(one_client(client));
  // What runs may be wrong as well.
  const bool is_slow = known.failures + known.running >= kFreeFailures;
  if (known.running >= (is_slow ? 1 : at_a_time_)) return std::nullopt;
  return known.slow_until;
}

void SignInPace::run(const Client& client) {
  Known& known = *find(one_client(client));
  --known.waiting;
  ++known.running;
}

void SignInPace::leave(const Client& client) { --find(one_client(client))->waiting; }

void SignInPace::end(const Client& client, bool right, Time now) {
  Known& known = *find(one_client(client));
  --known.running;
  known.last = now;
  if (right) {
    known.failures = 0;
    known.slow_until = {};
  } else {
    ++known.failures;
    known.slow_until = now + delay_after(known.failures);
  }
}

}  // namespace culvert
