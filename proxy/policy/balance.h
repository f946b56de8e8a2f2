#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/upstream_load.h"

namespace culvert {

/// How requests are spread over upstreams that could all serve them.
enum class Balance : std::uint8_t {
  order,    ///< all by the first that works: the others are for its failure
  least,    ///< by the one with the least to do
  fastest,  ///< by the one that will have connected and delivered first, by what was seen lately
  sticky,   ///< a client's requests to one host by one of them
};

/// As they are written.
inline constexpr auto kBalanceNames = std::to_array<std::pair<std::string_view, Balance>>({
    {"order", Balance::order},
    {"least", Balance::least},
    {"fastest", Balance::fastest},
    {"sticky", Balance::sticky},
});

/// "least".
std::string_view name_of(Balance balance);

/// Which one it takes: "the one with the least to do".
std::string_view meaning_of(Balance balance);

/// Upstreams of a route that stand beside each other in it, and among which it is balanced.  What
/// follows them is for their failure.
struct Tier {
  std::size_t count = 0;
  Balance balance = Balance::order;

  /// There is something to choose.
  bool is_balanced() const { return balance != Balance::order && count > 1; }
  bool operator==(const Tier&) const = default;
};

/// Whether one of them is.
bool is_balanced(std::span<const Tier> tiers);

/// One upstream of a Tier, for one request.
struct Lane {
  std::uint32_t weight = 1;
  UpstreamLoad::Now load{};
  UpstreamLoad::Pace pace{};
  std::uint64_t affinity = 0;  ///< see affinity_of()
};

/// A number that depends on nothing else, so that a client's host prefers the same upstream as long
/// as that works, whatever becomes of others (rendezvous hashing).  `client` tells clients apart.
std::uint64_t affinity_of(std::uint64_t client, std::string_view host, std::string_view upstream);

/// Why an upstream was taken for a request.
enum class ChosenBy : std::uint8_t {
  order,      ///< it is the first that works: the route is not balanced
  least,      ///< it has the least to do
  fastest,    ///< it is expected to deliver first
  exploring,  ///< nobody knows how fast it is, or not lately
  sticky,     ///< it is the one of this client and host
  failover,   ///< another one was to be taken, and has failed
};

/// The name for logs: "least".
std::string_view name_of(ChosenBy chosen);

/// In which order the lanes are tried.
struct Ranking {
  std::vector<std::size_t> order;  ///< indices of the lanes
  ChosenBy first = ChosenBy::order;
};

/// `explores`: this request may serve to learn how fast an upstream is that was not seen lately.
Ranking rank(Balance balance, std::span<const Lane> lanes, UpstreamLoad::Time now, bool explores);

}  // namespace culvert
