#include "server/stats.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace culvert {
namespace {

/// "517 B", "12.3 MB".
std::string size_text(std::uint64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  constexpr std::string_view kPrefixes = "kMGTPE";
  std::size_t prefix = 0;
  while (bytes >= 999'950) {  // what would be rounded to 1000.0
    bytes /= 1000;
    ++prefix;
  }
  const std::uint64_t tenths = (bytes + 50) / 100;
  return fmt::format("{}.{} {}B", tenths / 10, tenths % 10, kPrefixes[prefix]);
}

}  // namespace

std::size_t Stats::index_of(Outcome outcome) {
  const auto kind = static_cast<std::size_t>(outcome.kind);
  return kind < kErrors ? kind : kErrors + static_cast<std::size_t>(outcome.error);
}

Outcome Stats::outcome_at(std::size_t index) {
  if (index < kErrors) return static_cast<Outcome::Kind>(index);
  return static_cast<Errc>(index - kErrors);
}

void Stats::add(const SessionRecord& record) {
  ++requests_[index_of(record.outcome)];
  if (record.stage == SessionStage::tunnel) ++tunnels_;
  if (record.stage == SessionStage::exchange) ++exchanges_;
  bytes_up_ += record.bytes_up;
  bytes_down_ += record.bytes_down;
}

Stats& Stats::operator+=(const Stats& other) {
  for (std::size_t i = 0; i < requests_.size(); ++i) requests_[i] += other.requests_[i];
  tunnels_ += other.tunnels_;
  exchanges_ += other.exchanges_;
  bytes_up_ += other.bytes_up_;
  bytes_down_ += other.bytes_down_;
  return *this;
}

std::uint64_t Stats::requests() const {
  return std::accumulate(requests_.begin(), requests_.end(), std::uint64_t{0});
}

std::uint64_t Stats::requests(Outcome outcome) const { return requests_[index_of(outcome)]; }

std::string Stats::summary() const {
  std::vector<std::size_t> seen;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i] > 0) seen.push_back(i);
  }
  const auto more = [this](std::size_t a, std::size_t b) { return requests_[a] > requests_[b]; };
  std::stable_sort(seen.begin(), seen.end(), more);
  std::string outcomes;
  for (const std::size_t i : seen) {
    outcomes +=
        fmt::format("{}{} {}", outcomes.empty() ? "" : ", ", requests_[i], outcome_at(i).name());
  }
  const std::uint64_t count = requests();
  return fmt::format("served {} request{} ({}), {} up, {} down", count, count == 1 ? "" : "s",
                     outcomes, size_text(bytes_up_), size_text(bytes_down_));
}

}  // namespace culvert
