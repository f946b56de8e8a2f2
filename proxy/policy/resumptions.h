#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace culvert {

/// The targets whose tunnels were lost lately.  A CONNECT to one of them is most likely a client
/// that resumes a transfer, and it loses all of that if it is refused: so it is held for longer
/// than others are.  One object for the process, shared by the workers, each of which may call it
/// at any time.
class Resumptions {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// How long a loss is remembered.
  static constexpr std::chrono::minutes kMemory{1};
  /// How many targets are remembered; of more, the oldest is forgotten.
  static constexpr std::size_t kMostTargets = 1024;
  /// How many requests are held at a time because of this; more are held as any other.
  static constexpr std::size_t kMostHeld = 256;

  /// A tunnel to `target` ("host:port") has ended on the upstream's side, or was cut.
  void lost(std::string_view target, Time now);
  /// None was ever lost.  Takes no lock.
  bool empty() const { return empty_.load(std::memory_order_acquire); }
  /// A tunnel to `target` was lost within kMemory.
  bool is_resumption(std::string_view target, Time now) const;

  /// One more request is held.  False if there are as many as may be; else ends with end_hold().
  bool begin_hold();
  void end_hold() { held_.fetch_sub(1, std::memory_order_relaxed); }

 private:
  void make_room(Time now);

  mutable std::mutex mutex_;
  std::atomic<bool> empty_ = true;
  std::unordered_map<std::string, Time> lost_;
  std::atomic<std::size_t> held_ = 0;
};

}  // namespace culvert
