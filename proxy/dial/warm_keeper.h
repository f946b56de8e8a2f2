#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "dial/upstream_dial.h"
#include "dial/warm_pool.h"
#include "net/ready_set.h"
#include "net/timer.h"

namespace culvert {

struct Upstream;

/// Keeps a WarmPool full, in the loop of one worker: dials, discards a pooled connection on any
/// event, and replaces those that are old.
class WarmKeeper final : private StreamEvents {
 public:
  /// Keeps `wanted` connections in `upstream.warm`.  `upstream` outlives the keeper; without a
  /// keeper the pool is empty.
  WarmKeeper(Loop& loop, Upstream& upstream, std::size_t wanted);
  ~WarmKeeper();
  WarmKeeper(const WarmKeeper&) = delete;
  WarmKeeper& operator=(const WarmKeeper&) = delete;

 private:
  friend class WarmPool;
  struct Filling;

  Loop& loop() const { return loop_; }
  ReadySet& watch() { return watch_; }
  void on_taken();
  void on_readable();
  void on_ready(Stream& stream) override;
  void discard_spoiled(const Stream* stream, std::uint64_t id);
  void fill();
  void on_filled(Filling& filling, UpstreamResult&& result);
  void rest();
  void on_timer();

  Loop& loop_;
  Upstream& upstream_;
  std::shared_ptr<WarmPool> pool_;
  std::size_t wanted_;
  std::uint64_t next_id_ = 1;
  ReadySet watch_;  // of the pooled connections
  std::vector<std::unique_ptr<Filling>> filling_;
  Timer timer_;
  bool resting_ = false;  // after a failure
};

}  // namespace culvert
