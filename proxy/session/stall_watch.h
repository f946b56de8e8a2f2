#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/log.h"
#include "config/config.h"
#include "dial/upstream.h"
#include "net/timer.h"
#include "session/relay.h"

namespace culvert {

/// Ends the tunnels of one worker that have stalled, see `--reset-stalled`: less than the limit's
/// rate has moved in them for its time, after kLeast bytes.  A tunnel whose client does not take
/// what is there is slow, and not stalled; nor is one whose upstream has finished, or whose bytes
/// had to wait for their turn (Pacer).  The upstream is told, so that others are preferred for a
/// while, and the tunnels through it that have been silent for as long end, too, in all workers: a
/// client would ask again over one of them.  Without a proxy each target has a path of its own:
/// then only those of this worker to the same target end.
class StallWatch {
 public:
  static constexpr std::uint64_t kLeast = 1 << 20;

  /// All references outlive it; the limit's time is not 0.
  StallWatch(Loop& loop, Log& log, const StallLimit& limit);

  /// All stay until remove(), or until Relay::end_stalled() is called.
  void add(Relay& relay, Upstream& upstream, std::string_view target);
  /// Of one that is not watched: does nothing.
  void remove(const Relay& relay);

 private:
  using Time = Loop::Clock::time_point;
  struct Watched {
    Upstream* upstream;
    std::string_view target;
    Time heard;  // when the upstream sent something last, its bytes waited, or it had finished
    Time since;  // when enough had moved last, or was not to be expected ...
    std::uint64_t moved;         // ... and how much had until then
    std::uint64_t received = 0;  // from the upstream
  };
  // Between two parts of a look at all of them.
  static constexpr std::chrono::milliseconds kBetweenParts{1};

  void on_tick();
  void look_at_some();
  void end_stalled();
  bool has_stalled(Relay& relay, Watched& watched);
  bool is_silent_with_others(const Watched& watched,
                             const std::vector<const Watched*>& stalled) const;

  Loop& loop_;
  Log& log_;
  StallLimit limit_;
  std::chrono::milliseconds tick_;
  std::uint64_t enough_;  // bytes in the limit's time
  Timer timer_;           // runs while there is something to watch
  std::unordered_map<Relay*, Watched> watched_;
  // Of the look that is under way; some may be gone.
  std::vector<Relay*> unseen_;
  std::vector<Relay*> stalled_;
  std::vector<Relay*> silent_;  // beside one that was found before
};

}  // namespace culvert
