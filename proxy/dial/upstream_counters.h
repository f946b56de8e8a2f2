#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time_histogram.h"

namespace culvert {

/// How an attempt to connect through an upstream for a client ended.
enum class AttemptEnd : std::uint8_t {
  connected,
  refused,     ///< its proxy works, and would or could not connect to the target
  failed,      ///< anything else that went wrong
  unanswered,  ///< its proxy took the request and never replied
  abandoned,   ///< nobody waited for it any more
};
inline constexpr std::size_t kAttemptEnds = static_cast<std::size_t>(AttemptEnd::abandoned) + 1;

/// The stable name for metrics and JSON.
std::string_view name_of(AttemptEnd end);

/// What one worker counts of one upstream.  Plain memory: for the worker's thread.
struct UpstreamCounters {
  std::array<std::uint64_t, kAttemptEnds> attempts{};
  TimeHistogram connect;     ///< each attempt that connected, from its begin
  TimeHistogram first_byte;  ///< from a request to the first byte that came back
  // Of finished requests that were connected through it, or tried it last.
  std::uint64_t requests = 0;
  std::uint64_t bytes_up = 0;
  std::uint64_t bytes_down = 0;
  // The bytes that were told, those of running requests included.
  std::uint64_t told_up = 0;
  std::uint64_t told_down = 0;

  void add_request(std::uint64_t up, std::uint64_t down) {
    ++requests;
    bytes_up += up;
    bytes_down += down;
  }
  void count(AttemptEnd end) { ++attempts[static_cast<std::size_t>(end)]; }
  UpstreamCounters& operator+=(const UpstreamCounters& other);
};

/// The UpstreamCounters of one worker by the upstream's name, through all reloads.
class UpstreamCounterTable {
 public:
  struct Entry {
    std::string name;
    std::shared_ptr<UpstreamCounters> counters;
  };

  /// New ones begin at 0.
  std::shared_ptr<UpstreamCounters> of(std::string_view name);
  /// Those that nobody else has any more are forgotten.
  void sweep();
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

/// What one worker counts of the dials for its clients.
struct DialCounters {
  std::size_t held = 0;      ///< requests that wait in --hold now
  std::uint64_t holds = 0;   ///< that did so
  std::uint64_t hedges = 0;  ///< attempts that began beside a slow one, by --hedge
};

}  // namespace culvert
