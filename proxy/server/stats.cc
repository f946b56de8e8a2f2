#include "server/stats.h"

#include <algorithm>
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

std::string_view name_of(RequestKind kind) {
  static constexpr std::array<std::string_view, kRequestKinds> kNames = {"none", "connect", "socks",
                                                                         "plain"};
  return kNames[static_cast<std::size_t>(kind)];
}

RequestKind kind_of(std::string_view method) {
  if (method == "CONNECT") return RequestKind::connect;
  if (method.empty()) return RequestKind::none;
  return method == "SOCKS5" || method == "SOCKS4" ? RequestKind::socks : RequestKind::plain;
}

std::size_t Stats::index_of(Outcome outcome) {
  const auto kind = static_cast<std::size_t>(outcome.kind);
  return kind < kErrors ? kind : kErrors + static_cast<std::size_t>(outcome.error);
}

Outcome Stats::outcome_at(std::size_t index) {
  if (index < kErrors) return static_cast<Outcome::Kind>(index);
  return static_cast<Errc>(index - kErrors);
}

void Stats::add(const SessionRecord& record) {
  ++requests_[static_cast<std::size_t>(kind_of(record.method))][index_of(record.outcome)];
  if (record.stage == SessionStage::tunnel) ++tunnels_;
  if (record.stage == SessionStage::exchange) ++exchanges_;
  bytes_up_ += record.bytes_up;
  bytes_down_ += record.bytes_down;
}

Stats& Stats::operator+=(const Stats& other) {
  for (std::size_t kind = 0; kind < kRequestKinds; ++kind) {
    for (std::size_t i = 0; i < kOutcomes; ++i) requests_[kind][i] += other.requests_[kind][i];
  }
  tunnels_ += other.tunnels_;
  exchanges_ += other.exchanges_;
  bytes_up_ += other.bytes_up_;
  bytes_down_ += other.bytes_down_;
  return *this;
}

std::uint64_t Stats::requests() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kOutcomes; ++i) sum += requests_at(i);
  return sum;
}

std::uint64_t Stats::requests(Outcome outcome) const { return requests_at(index_of(outcome)); }

std::uint64_t Stats::requests(RequestKind kind, Outcome outcome) const {
  return requests_[static_cast<std::size_t>(kind)][index_of(outcome)];
}

std::uint64_t Stats::requests_at(std::size_t index) const {
  std::uint64_t sum = 0;
  for (const auto& of_kind : requests_) sum += of_kind[index];
  return sum;
}

std::string Stats::summary() const {
  std::vector<std::size_t> seen;
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    if (requests_at(i) > 0) seen.push_back(i);
  }
  const auto more = [this](std::size_t a, std::size_t b) {
    return requests_at(a) > requests_at(b);
  };
  std::stable_sort(seen.begin(), seen.end(), more);
  std::string outcomes;
  for (const std::size_t i : seen) {
    outcomes +=
        fmt::format("{}{} {}", outcomes.empty() ? "" : ", ", requests_at(i), outcome_at(i).name());
  }
  const std::uint64_t count = requests();
  return fmt::format("served {} request{} ({}), {} up, {} down", count, count == 1 ? "" : "s",
                     outcomes, size_text(bytes_up_), size_text(bytes_down_));
}

}  // namespace culvert
