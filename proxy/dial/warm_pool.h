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
  /// A ready connection, attached to `loop`; nullptr if there is none at the moment.  It is
  /// replaced by a new one.  From any thread.
  std::unique_ptr<Stream> take(Loop& loop);
  /// Discards all, and replaces them: one that was taken turned out to have died unnoticed, so
  /// these may have, too.  From any thread.
  void discard_all();
  /// How many are ready.  From any thread.
  std::size_t size() const;

 private:
  friend class WarmKeeper;
  struct Ready {
    std::uint64_t id;
    std::unique_ptr<Stream> stream;  // attached to no loop
    Loop::Clock::time_point since;
  };

  void wake_keeper();

  mutable std::mutex mutex_;
  std::vector<Ready> ready_;  // the oldest first
  WarmKeeper* keeper_ = nullptr;
};

}  // namespace culvert
