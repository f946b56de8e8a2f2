#include "policy/verdict_cache.h"

#include <algorithm>
#include <span>

namespace culvert {
namespace {

/// In the same time whatever they are.
bool same_key(const VerdictCache::Key& one, const VerdictCache::Key& other) {
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i) difference |= unsigned{one[i]} ^ other[i];
  return difference == 0;
}

}  // namespace

/// The key is random already.
std::size_t VerdictCache::set_of(const Key& key) {
  const std::size_t number = key[0] | std::size_t{key[1]} << 8;
  return number % kSets * kWays;
}

const VerdictCache::Entry* VerdictCache::find_in(const Table& table, const Key& key, Time now) {
  if (table.empty()) return nullptr;
  for (const Entry& entry : std::span(&table[set_of(key)], kWays)) {
    if (entry.until > now && same_key(entry.key, key)) return &entry;
  }
  return nullptr;
}

std::optional<bool> VerdictCache::find(const Key& key, Time now) const {
  if (find_in(right_, key, now) != nullptr) return true;
  if (find_in(wrong_, key, now) != nullptr) return false;
  return std::nullopt;
}

void VerdictCache::add(const Key& key, bool right, Time now) {
  Table& table = right ? right_ : wrong_;
  if (table.empty()) table.resize(kSets * kWays);
  const std::span set(&table[set_of(key)], kWays);
  const auto first_to_end = std::min_element(
      set.begin(), set.end(),
      [](const Entry& one, const Entry& other) { return one.until < other.until; });
  if (right) {
    *first_to_end = {key, now + kRightFor};
  } else {
    *first_to_end = {key, now + kWrongFor};
  }
}

}  // namespace culvert
