#include "server/worker_facts.h"

namespace culvert {

const UpstreamTally* WorkerFacts::upstream(std::string_view name) const {
  const auto known =
      std::find_if(upstreams.begin(), upstreams.end(),
                   [name](const UpstreamTally& tally) { return tally.name == name; });
  return known == upstreams.end() ? nullptr : &*known;
}

WorkerFacts& WorkerFacts::operator+=(const WorkerFacts& other) {
  stats += other.stats;
  bytes += other.bytes;
  counters += other.counters;
  accepted += other.accepted;
  accept_failures += other.accept_failures;
  connections += other.connections;
  tunnels += other.tunnels;
  target_lookups += other.target_lookups;
  upstream_lookups += other.upstream_lookups;
  pipes += other.pipes;
  lost_lines += other.lost_lines;
  lost_access_lines += other.lost_access_lines;
  long_turns += other.long_turns;
  long_turn_time += other.long_turn_time;
  longest_turn = std::max(longest_turn, other.longest_turn);
  cpu += other.cpu;
  for (const UpstreamTally& theirs : other.upstreams) {
    const auto ours =
        std::find_if(upstreams.begin(), upstreams.end(),
                     [&](const UpstreamTally& tally) { return tally.name == theirs.name; });
    if (ours == upstreams.end()) {
      upstreams.push_back(theirs);
      continue;
    }
    ours->counters += theirs.counters;
    ours->bytes += theirs.bytes;
    ours->tunnels += theirs.tunnels;
  }
  return *this;
}

}  // namespace culvert
