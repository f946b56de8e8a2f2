#include "policy/balance.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

namespace culvert {

using namespace std::chrono_literals;

namespace {

// What is expected of a request: that it brings so much.
constexpr double kTypicalBytes = 4.0 * 1024 * 1024;
// Of an upstream as long as none has delivered anything.
constexpr double kAssumedRate = 10.0 * 1024 * 1024;
// After so long what was seen of an upstream counts half, and then it may be explored.
constexpr std::chrono::duration<double> kHalfLife{60};

/// Of splitmix64: each bit of the result depends on each of `bits`.
std::uint64_t mixed(std::uint64_t bits) {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30U)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27U)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31U);
}

/// Weighted rendezvous hashing: the lane with the least of it is preferred, and each is so as often
/// as its weight says.
double distance(const Lane& lane) {
  constexpr double kScale = 1.0 / 9007199254740992.0;  // 2^-53
  const double uniform = (static_cast<double>(lane.affinity >> 11U) + 0.5) * kScale;
  return -std::log(uniform) / lane.weight;
}

bool is_nearer(const Lane& one, const Lane& other) { return distance(one) < distance(other); }

bool has_less_to_do(const Lane& one, const Lane& other) {
  const std::uint64_t ours = std::uint64_t{one.load.active} * other.weight;
  const std::uint64_t theirs = std::uint64_t{other.load.active} * one.weight;
  if (ours != theirs) return ours < theirs;
  const double our_rate = static_cast<double>(one.load.rate) / one.weight;
  const double their_rate = static_cast<double>(other.load.rate) / other.weight;
  const bool busy = one.load.active > 0 && other.load.active > 0;
  if (busy && our_rate != their_rate) return our_rate < their_rate;
  return is_nearer(one, other);
}

/// How much what was learned of it still counts: 1 is just now, 0 nothing.
double confidence(const Lane& lane, UpstreamLoad::Time now) {
  if (!lane.pace.connect) return 0;
  const std::chrono::duration<double> age = now - lane.pace.learned;
  return std::exp2(-std::max(age, age.zero()) / kHalfLife);
}

/// What is assumed of an upstream of which nothing is known: the best of what is known of others.
struct Best {
  explicit Best(std::span<const Lane> lanes) {
    for (const Lane& lane : lanes) {
      rate = std::max(rate, lane.pace.rate);
      if (lane.pace.connect && (!connect || *lane.pace.connect < *connect)) {
        connect = lane.pace.connect;
      }
    }
    if (rate == 0) rate = kAssumedRate;
  }
  std::optional<std::chrono::nanoseconds> connect;
  double rate = 0;
};

/// Seconds until a typical request is served.
double expected_seconds(const Lane& lane, const Best& best) {
  const auto took = lane.pace.connect ? *lane.pace.connect : best.connect.value_or(0ns);
  const double connect = std::chrono::duration<double>(took).count();
  const double rate = lane.pace.rate > 0 ? lane.pace.rate : best.rate;
  return (connect + kTypicalBytes * (lane.load.active + 1) / rate) / lane.weight;
}

/// By what was learned; the longer ago that is, the more it counts as one of the best.
std::vector<double> expectations(std::span<const Lane> lanes, UpstreamLoad::Time now) {
  const Best best(lanes);
  std::vector<double> out;
  for (const Lane& lane : lanes) out.push_back(expected_seconds(lane, best));
  const double least = out.empty() ? 0 : *std::min_element(out.begin(), out.end());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    // Nothing that was learned is in it.
    if (!lanes[i].pace.connect) continue;
    out[i] = least + (out[i] - least) * confidence(lanes[i], now);
  }
  return out;
}

/// Which one to try for the sake of what it tells: one that was never seen, unless that is being
/// found out, or the one that was seen longest ago.
std::optional<std::size_t> to_explore(std::span<const Lane> lanes, UpstreamLoad::Time now,
                                      bool explores) {
  std::optional<std::size_t> found;
  double least = 0.5;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    const bool seen = lanes[i].pace.connect.has_value();
    const bool being_tried = !seen && lanes[i].load.active > 0;
    if (being_tried || (seen && !explores)) continue;
    const double known = confidence(lanes[i], now);
    const bool is_less_known =
        known < least || (found && known == least && is_nearer(lanes[i], lanes[*found]));
    if (!is_less_known) continue;
    found = i;
    least = known;
  }
  return found;
}

void move_to_front(std::vector<std::size_t>& order, std::size_t index) {
  const auto at = std::find(order.begin(), order.end(), index);
  std::rotate(order.begin(), at, at + 1);
}

}  // namespace

std::string_view name_of(Balance balance) {
  for (const auto& [name, value] : kBalanceNames) {
    if (value == balance) return name;
  }
  return {};
}

std::string_view meaning_of(Balance balance) {
  switch (balance) {
    case Balance::order:
      return "the first that works";
    case Balance::least:
      return "the one with the least to do";
    case Balance::fastest:
      return "the one that should deliver first";
    case Balance::sticky:
      return "the same one for each client and host";
  }
  return {};
}

std::string_view name_of(ChosenBy chosen) {
  switch (chosen) {
    case ChosenBy::order:
      return "order";
    case ChosenBy::least:
      return "least";
    case ChosenBy::fastest:
      return "fastest";
    case ChosenBy::exploring:
      return "exploring";
    case ChosenBy::sticky:
      return "sticky";
    case ChosenBy::failover:
      return "failover";
  }
  return {};
}

bool is_balanced(std::span<const Tier> tiers) {
  return std::any_of(tiers.begin(), tiers.end(),
                     [](const Tier& tier) { return tier.is_balanced(); });
}

std::uint64_t affinity_of(std::uint64_t client, std::string_view host, std::string_view upstream) {
  const std::hash<std::string_view> hash;
  return mixed(mixed(mixed(client) ^ hash(host)) ^ hash(upstream));
}

Ranking rank(Balance balance, std::span<const Lane> lanes, UpstreamLoad::Time now, bool explores) {
  Ranking out;
  out.order.resize(lanes.size());
  std::iota(out.order.begin(), out.order.end(), std::size_t{0});
  const auto sort_by = [&](auto is_before) {
    std::stable_sort(out.order.begin(), out.order.end(), is_before);
  };
  switch (balance) {
    case Balance::order:
      break;
    case Balance::least:
      out.first = ChosenBy::least;
      sort_by([&](auto a, auto b) { return has_less_to_do(lanes[a], lanes[b]); });
      break;
    case Balance::sticky:
      out.first = ChosenBy::sticky;
      sort_by([&](auto a, auto b) { return is_nearer(lanes[a], lanes[b]); });
      break;
    case Balance::fastest: {
      out.first = ChosenBy::fastest;
      const std::vector<double> seconds = expectations(lanes, now);
      sort_by([&](auto a, auto b) {
        if (seconds[a] != seconds[b]) return seconds[a] < seconds[b];
        return is_nearer(lanes[a], lanes[b]);
      });
      if (const auto explored = to_explore(lanes, now, explores)) {
        move_to_front(out.order, *explored);
        out.first = ChosenBy::exploring;
      }
      break;
    }
  }
  return out;
}

}  // namespace culvert
