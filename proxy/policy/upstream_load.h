#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>

namespace culvert {

/// What one upstream has to do now, and how fast it has been lately: what a route is balanced by.
/// One object for each upstream and process, shared by the workers, each of which may call it at
/// any time.
class UpstreamLoad {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// An attempt for a client, a tunnel or a plain request begins.
  void begin() { open_.fetch_add(1, std::memory_order_relaxed); }
  /// One of them is over.
  void end() { open_.fetch_sub(1, std::memory_order_relaxed); }

  /// One request of 16 may serve to learn how fast others are.
  bool may_explore() { return turn_.fetch_add(1, std::memory_order_relaxed) % 16 == 15; }

  /// A worker has looked at its own: so many more than at its last look are idle, and so many more
  /// bytes a second move in them.  Negative: fewer.
  void add_idle(std::int64_t more) { idle_.fetch_add(more, std::memory_order_relaxed); }
  void add_rate(std::int64_t more) { rate_.fetch_add(more, std::memory_order_relaxed); }

  struct Now {
    std::uint32_t open = 0;
    std::uint32_t active = 0;  ///< those of them that are not idle, or have begun since that look
    std::uint64_t rate = 0;    ///< bytes a second, both ways
  };
  Now now() const;

  /// A connection through it was made for a client, and took so long.
  void connected(std::chrono::nanoseconds took, Time now);
  /// A look has found a long transfer moving: what Now::rate is then, it can deliver.
  void delivers(Time now);

  struct Pace {
    std::optional<std::chrono::nanoseconds> connect;  ///< mean of the last few
    double rate = 0;  ///< bytes a second that it has delivered, to all together; 0: not known
    Time learned{};   ///< when any of that was seen last
  };
  Pace pace() const;

 private:
  std::atomic<std::int64_t> open_{0};
  std::atomic<std::int64_t> idle_{0};
  std::atomic<std::int64_t> rate_{0};
  std::atomic<std::uint32_t> turn_{0};
  mutable std::mutex mutex_;
  Pace pace_;
};

/// Counts for one request as long as it is served, see UpstreamLoad::begin().
class LoadShare {
 public:
  LoadShare() = default;
  explicit LoadShare(UpstreamLoad& load) { take(load); }
  ~LoadShare() { drop(); }
  LoadShare(const LoadShare&) = delete;
  LoadShare& operator=(const LoadShare&) = delete;

  /// `load` outlives it, or drop().
  void take(UpstreamLoad& load) {
    drop();
    load.begin();
    load_ = &load;
  }
  void drop() {
    if (load_ != nullptr) load_->end();
    load_ = nullptr;
  }

 private:
  UpstreamLoad* load_ = nullptr;
};

}  // namespace culvert
