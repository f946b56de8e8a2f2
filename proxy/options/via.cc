#include "options/via.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/redact.h"
#include "base/text.h"

namespace culvert {
namespace {

std::string names_of(const std::vector<UpstreamConfig>& upstreams) {
  std::string names;
  for (const UpstreamConfig& upstream : upstreams) {
    if (!names.empty()) names += ", ";
    names += upstream.name;
  }
  return names;
}

void find_next_hop(std::size_t index, std::vector<UpstreamConfig>& upstreams,
                   const std::string& origin, const BrokenUpstreams& broken,
                   std::vector<std::string>& problems) {
  UpstreamConfig& upstream = upstreams[index];
  if (upstream.via.empty()) return;
  const auto found =
      std::find_if(upstreams.begin(), upstreams.end(),
                   [&](const UpstreamConfig& other) { return other.name == upstream.via; });
  if (found == upstreams.end() && broken.may_be(upstream.via)) return;
  if (found == upstreams.end() && !iequals(upstream.via, "direct")) {
    problems.push_back(fmt::format("{} {}: via={}: no such upstream ({})", origin, upstream.name,
                                   redact(upstream.via), names_of(upstreams)));
    return;
  }
  // Via direct means the same as no via.
  if (found == upstreams.end() || found->kind == UpstreamConfig::Kind::direct) return;
  upstream.via_index = static_cast<std::size_t>(found - upstreams.begin());
}

/// The upstreams on the cycle that `index` belongs to, in order; empty if it belongs to none.
std::vector<std::size_t> cycle_of(std::size_t index, const std::vector<UpstreamConfig>& upstreams) {
  std::vector<std::size_t> hops;
  std::optional<std::size_t> next = index;
  // More steps than there are upstreams: this one leads into a cycle, but is not on it.
  while (next && hops.size() < upstreams.size()) {
    hops.push_back(*next);
    next = upstreams[*next].via_index;
    if (next == index) return hops;
  }
  return {};
}

/// A warm connection is made before there is a client of whom its way could be told.
void check_warm(std::size_t index, const std::vector<UpstreamConfig>& upstreams,
                const std::string& origin, std::vector<std::string>& problems) {
  const UpstreamConfig& upstream = upstreams[index];
  if (upstream.warm == 0) return;
  const UpstreamConfig* hop = &upstream;
  for (std::size_t steps = 0; !hop->proxy_protocol; ++steps) {
    if (!hop->via_index || steps == upstreams.size()) return;
    hop = &upstreams[*hop->via_index];
  }
  problems.push_back(
      fmt::format("{} {}: warm: a connection that is made beforehand cannot tell {} its client "
                  "(proxy-protocol); leave one of them out",
                  origin, upstream.name, hop == &upstream ? "it" : "upstream " + hop->name));
}

}  // namespace

void resolve_via(std::vector<UpstreamConfig>& upstreams, const std::vector<std::string>& origins,
                 const BrokenUpstreams& broken, std::vector<std::string>& problems) {
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    find_next_hop(i, upstreams, origins[i], broken, problems);
  }
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    check_warm(i, upstreams, origins[i], problems);
  }
  std::set<std::size_t> reported;  // a cycle is one problem, not one for each of its members
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    const std::vector<std::size_t> cycle = cycle_of(i, upstreams);
    if (cycle.empty() || reported.count(i) > 0) continue;
    reported.insert(cycle.begin(), cycle.end());
    std::string chain;
    for (const std::size_t hop : cycle) chain += upstreams[hop].name + " -> ";
    problems.push_back(fmt::format("{} {}: via goes in a circle: {}{}", origins[i],
                                   upstreams[i].name, chain, upstreams[i].name));
  }
}

}  // namespace culvert
