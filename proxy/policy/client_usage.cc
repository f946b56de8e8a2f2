#include "policy/client_usage.h"

#include <algorithm>
#include <functional>

namespace culvert {
namespace {

bool has_connection(const ClientUsage& usage) { return usage.served + usage.refused > 0; }

/// A new one would be no better.
bool is_rested(const ClientUsage& usage, UsageTable::Time now) {
  const auto full = [&](const TokenBucket& bucket) {
    return bucket.is_full(UsageTable::kFullAfter, now);
  };
  return full(usage.requests) &&
         std::all_of(usage.traffic.begin(), usage.traffic.end(),
                     [&](const auto& direction) { return full(direction.bytes); });
}

}  // namespace

UsageKey UsageKey::client(const IpAddress& address) {
  const IpAddress ip = address.of_one_client();
  std::string text(1, ip.is_v4() ? '4' : '6');
  text += ip.octets();
  return UsageKey(std::move(text));
}

UsageKey UsageKey::user(std::string_view name) { return UsageKey("u" + std::string(name)); }

UsageTable::Place UsageTable::enter(const UsageKey& key, std::size_t most, Time now) {
  const std::size_t index = std::hash<std::string>()(key.text()) % kShards;
  Shard& shard = shards_[index];
  const std::lock_guard lock(shard.mutex);
  const auto [found, is_new] = shard.entries.try_emplace(key.text());
  ClientUsage& usage = found->second;
  Place place;
  const bool fits = most == 0 || usage.served < most;
  if (!fits && usage.refused >= kMostRefused) {
    place.entry_ = Entry::too_many;
    return place;
  }
  if (!is_new && !has_connection(usage)) --shard.without_connection;
  place.entry_ = fits ? Entry::served : Entry::refused;
  (fits ? usage.served : usage.refused).fetch_add(1, std::memory_order_relaxed);
  place.table_ = this;
  place.usage_ = &usage;
  place.shard_ = static_cast<std::uint32_t>(index);
  // After it has a connection: it stays.
  if (shard.without_connection >= shard.sweep_at) sweep(shard, now);
  return place;
}

void UsageTable::Place::leave() {
  if (usage_ == nullptr) return;
  Shard& shard = table_->shards_[shard_];
  const std::lock_guard lock(shard.mutex);
  auto& count = entry_ == Entry::served ? usage_->served : usage_->refused;
  count.fetch_sub(1, std::memory_order_relaxed);
  if (!has_connection(*usage_)) ++shard.without_connection;
}

/// Drops what is of no use any more; all that has no connection if that does not help.
void UsageTable::sweep(Shard& shard, Time now) {
  const auto drop = [&](bool all) {
    std::erase_if(shard.entries, [&](const auto& entry) {
      const bool goes = !has_connection(entry.second) && (all || is_rested(entry.second, now));
      if (goes) --shard.without_connection;
      return goes;
    });
  };
  drop(false);
  if (shard.without_connection >= kMostKept) drop(true);
  shard.sweep_at = shard.without_connection + kSweepAfter;
}

std::size_t UsageTable::size() const {
  std::size_t count = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    count += shard.entries.size();
  }
  return count;
}

}  // namespace culvert
