#include "policy/token_bucket.h"

#include <algorithm>

namespace culvert {
namespace {

std::int64_t count(TokenBucket::Time time) { return time.time_since_epoch().count(); }

/// The time in which `units` come in.  In two steps, as the product of both would overflow.
std::int64_t cost(std::uint64_t units, std::uint64_t rate) {
  constexpr std::uint64_t kSecond = TokenBucket::Duration::period::den;
  return static_cast<std::int64_t>(units / rate * kSecond + units % rate * kSecond / rate);
}

}  // namespace

TokenBucket::Time TokenBucket::reserve(std::uint64_t units, std::uint64_t rate, Duration burst,
                                       Time now) {
  const std::int64_t oldest = count(now - burst);
  std::int64_t before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t begin = 0;
  do {
    begin = std::max(before, oldest);
  } while (!paid_until_.compare_exchange_weak(before, begin + cost(units, rate),
                                              std::memory_order_relaxed));
  return Time(Duration(begin));
}

void TokenBucket::give_back(std::uint64_t units, std::uint64_t rate) {
  paid_until_.fetch_sub(cost(units, rate), std::memory_order_relaxed);
}

TokenBucket::Duration TokenBucket::take(std::uint64_t rate, Duration burst, Time now) {
  const std::int64_t oldest = count(now - burst);
  std::int64_t before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t after = 0;
  do {
    after = std::max(before, oldest) + cost(1, rate);
    if (after > count(now)) return Duration(after - count(now));
  } while (!paid_until_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return Duration(0);
}

bool TokenBucket::is_full(Duration burst, Time now) const {
  return paid_until_.load(std::memory_order_relaxed) <= count(now - burst);
}

}  // namespace culvert
