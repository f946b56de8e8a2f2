#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "net/loop.h"
#include "net/stream.h"

namespace culvert {

class WarmKeeper;

/// Connections to an upstream's proxy that need nothing but a request: connected, TLS done, SOCKS
/// greeting and authentication done (`?warm=N`).  A CONNECT then costs one round trip.  One pool
/// for each upstream and process: every worker takes from it, and one of them refills it, see
/// WarmKeeper.
class WarmPool : public std::enable_shared_from_this<WarmPool> {
 public:
  /// A ready connection that goes on in `loop`, nullptr if there is none at the moment; another one
  /// takes its place.  From any thread.
  std::unique_ptr<Stream> take(Loop& loop);
  /// One that was taken turned out to be dead without a sign, so these may be as well: they are
  /// replaced.  From any thread.
  void distrust();

 private:
  friend class WarmKeeper;
  struct Ready {
    std::uint64_t id;
    std::unique_ptr<Stream> stream;  // attached to no loop
    Loop::Clock::time_point since;
  };

  std::size_t size() const;
  void wake_keeper();

  mutable std::mutex mutex_;
  std::vector<Ready> ready_;  // the oldest first
  WarmKeeper* keeper_ = nullptr;
};

}  // namespace culvert
