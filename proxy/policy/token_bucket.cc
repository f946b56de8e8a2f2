#include "policy/token_bucket.h"

#include <algorithm>

namespace culvert {
namespace {

std::int64_t ticks_of(TokenBucket::Time time) { return time.time_since_epoch().count(); }

/// The time in which `units` come in.  In two steps, as the product of both would overflow.
std::int64_t time_for(std::uint64_t units, std::uint64_t rate) {
  constexpr std::uint64_t kSecond = TokenBucket::Duration::period::den;
  return static_cast<std::int64_t>(units / rate * kSecond + units % rate * kSecond / rate);
}

}  // namespace

TokenBucket::Time TokenBucket::reserve(std::uint64_t units, std::uint64_t rate, Duration burst,
                                       Time now) {
  if (rate_.load(std::memory_order_relaxed) != rate) adapt_to(rate, now);
  const std::int64_t oldest = ticks_of(now - burst);
  std::int64_t before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t begin = 0;
  do {
    begin = std::max(before, oldest);
  } while (!paid_until_.compare_exchange_weak(before, begin + time_for(units, rate),
                                              std::memory_order_relaxed));
  return Time(Duration(begin));
}

/// The same units are owed, which come in faster.  At a lower rate nobody has to wait for longer
/// than was said.
[[gnu::cold]] void TokenBucket::adapt_to(std::uint64_t rate, Time now) {
  const std::uint64_t old = rate_.exchange(rate, std::memory_order_relaxed);
  if (old == 0 || old >= rate) return;
  const double part = static_cast<double>(old) / static_cast<double>(rate);
  std::int64_t before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t after = 0;
  do {
    if (before <= ticks_of(now)) return;
    const auto owed = static_cast<double>(before - ticks_of(now));
    after = ticks_of(now) + static_cast<std::int64_t>(owed * part);
  } while (!paid_until_.compare_exchange_weak(before, after, std::memory_order_relaxed));
}

void TokenBucket::give_back(std::uint64_t units) {
  const std::uint64_t rate = rate_.load(std::memory_order_relaxed);
  if (rate == 0) return;
  paid_until_.fetch_sub(time_for(units, rate), std::memory_order_relaxed);
}

TokenBucket::Duration TokenBucket::take(std::uint64_t rate, Duration burst, Time now) {
  const std::int64_t oldest = ticks_of(now - burst);
  std::int64_t before = paid_until_.load(std::memory_order_relaxed);
  std::int64_t after = 0;
  do {
    after = std::max(before, oldest) + time_for(1, rate);
    if (after > ticks_of(now)) return Duration(after - ticks_of(now));
  } while (!paid_until_.compare_exchange_weak(before, after, std::memory_order_relaxed));
  return Duration(0);
}

bool TokenBucket::is_full(Duration burst, Time now) const {
  return paid_until_.load(std::memory_order_relaxed) <= ticks_of(now - burst);
}

}  // namespace culvert
