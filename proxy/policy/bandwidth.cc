#include "policy/bandwidth.h"

#include <algorithm>

namespace culvert {
namespace {

using std::chrono::milliseconds;

// What a bucket saves up while nobody takes: as much as a loaded machine may wake up late.
constexpr milliseconds kBurst{60};
// All that wait have had their turn after so long, unless they are very many.
constexpr std::uint64_t kRoundsPerSecond = 20;

/// How many share, the asking flow included.
std::uint64_t sharers(const std::atomic<std::uint32_t>& waiting, bool is_among_them) {
  return waiting.load(std::memory_order_relaxed) + (is_among_them ? 0 : 1);
}

}  // namespace

BandwidthRates Bandwidth::rates() const {
  return {.all = all_.load(std::memory_order_relaxed),
          .per_client = per_client_.load(std::memory_order_relaxed),
          .per_user = per_user_.load(std::memory_order_relaxed)};
}

void Bandwidth::set_rates(const BandwidthRates& rates) {
  all_.store(rates.all, std::memory_order_relaxed);
  per_client_.store(rates.per_client, std::memory_order_relaxed);
  per_user_.store(rates.per_user, std::memory_order_relaxed);
}

std::size_t Bandwidth::quantum(const Flow& flow, const BandwidthRates& rates) const {
  const auto flows_of = [&](ClientUsage* usage) {
    return usage == nullptr ? 1 : sharers(usage->of(flow.direction).waiting, flow.waiting);
  };
  std::uint64_t bytes = kMostQuantum;
  if (rates.all > 0) {
    const bool others_wait = flow.client != nullptr && flow.client->of(flow.direction).waiting > 0;
    const std::uint64_t clients =
        sharers(total(flow.direction).waiting_clients, flow.waiting || others_wait);
    // Among several, one with a single flow has as much in a round as one with many.  A client that
    // is alone needs no weight.
    const std::uint64_t most = clients > 1 ? kMostQuantum : UINT64_MAX;
    bytes = std::min(
        bytes, std::min(most, rates.all / kRoundsPerSecond / clients) / flows_of(flow.client));
  }
  if (rates.per_client > 0 && flow.client != nullptr) {
    bytes = std::min(bytes, rates.per_client / kRoundsPerSecond / flows_of(flow.client));
  }
  if (rates.per_user > 0 && flow.user != nullptr) {
    bytes = std::min(bytes, rates.per_user / kRoundsPerSecond / flows_of(flow.user));
  }
  return static_cast<std::size_t>(std::max(bytes, kLeastQuantum));
}

/// `use` gets each bucket that is above `flow`, and its rate.
template <typename Use>
void Bandwidth::for_each_bucket(const Flow& flow, const BandwidthRates& rates, const Use& use) {
  const auto use_limited = [&](TokenBucket& bucket, std::uint64_t rate) {
    if (rate > 0) use(bucket, rate);
  };
  use_limited(total(flow.direction).bytes, rates.all);
  if (flow.client != nullptr) use_limited(flow.client->of(flow.direction).bytes, rates.per_client);
  if (flow.user != nullptr) use_limited(flow.user->of(flow.direction).bytes, rates.per_user);
}

Bandwidth::Grant Bandwidth::take_turn(const Flow& flow, std::size_t most, Time now) {
  const BandwidthRates rates = this->rates();
  Grant grant{std::min(most, quantum(flow, rates)), now};
  for_each_bucket(flow, rates, [&](TokenBucket& bucket, std::uint64_t rate) {
    grant.from = std::max(grant.from, bucket.reserve(grant.bytes, rate, kBurst, now));
  });
  return grant;
}

void Bandwidth::give_back(const Flow& flow, std::uint64_t bytes) {
  if (bytes == 0) return;
  for_each_bucket(flow, rates(),
                  [&](TokenBucket& bucket, std::uint64_t) { bucket.give_back(bytes); });
}

void Bandwidth::begin_waiting(Flow& flow) {
  if (flow.waiting) return;
  flow.waiting = true;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  if (flow.user != nullptr) flow.user->of(flow.direction).waiting.fetch_add(1, kRelaxed);
  const bool first =
      flow.client == nullptr || flow.client->of(flow.direction).waiting.fetch_add(1, kRelaxed) == 0;
  if (first) total(flow.direction).waiting_clients.fetch_add(1, kRelaxed);
}

void Bandwidth::end_waiting(Flow& flow) {
  if (!flow.waiting) return;
  flow.waiting = false;
  constexpr auto kRelaxed = std::memory_order_relaxed;
  if (flow.user != nullptr) flow.user->of(flow.direction).waiting.fetch_sub(1, kRelaxed);
  const bool last =
      flow.client == nullptr || flow.client->of(flow.direction).waiting.fetch_sub(1, kRelaxed) == 1;
  if (last) total(flow.direction).waiting_clients.fetch_sub(1, kRelaxed);
}

}  // namespace culvert
