#include "dial/upstream_counters.h"

#include <algorithm>

namespace culvert {

std::string_view name_of(AttemptEnd end) {
  static constexpr std::array<std::string_view, kAttemptEnds> kNames = {
      "connected", "refused", "failed", "unanswered", "abandoned"};
  return kNames[static_cast<std::size_t>(end)];
}

UpstreamCounters& UpstreamCounters::operator+=(const UpstreamCounters& other) {
  for (std::size_t i = 0; i < kAttemptEnds; ++i) attempts[i] += other.attempts[i];
  connect += other.connect;
  first_byte += other.first_byte;
  requests += other.requests;
  bytes_up += other.bytes_up;
  bytes_down += other.bytes_down;
  return *this;
}

std::shared_ptr<UpstreamCounters> UpstreamCounterTable::of(std::string_view name) {
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [name](const Entry& entry) { return entry.name == name; });
  if (known != entries_.end()) return known->counters;
  entries_.push_back({std::string(name), std::make_shared<UpstreamCounters>()});
  return entries_.back().counters;
}

void UpstreamCounterTable::sweep() {
  std::erase_if(entries_, [](const Entry& entry) { return entry.counters.use_count() == 1; });
}

}  // namespace culvert
