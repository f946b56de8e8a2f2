#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/host_port.h"
#include "base/log.h"
#include "policy/target_pattern.h"

namespace culvert {

/// One step of a session that is traced.
struct TraceStep {
  std::uint64_t session = 0;
  std::chrono::system_clock::time_point time;
  std::chrono::microseconds after{0};  ///< since the first step
  std::string text;                    ///< see Trace::step()
  bool last = false;                   ///< the session is over
};

/// Somebody who wants to see sessions: the next ones to some targets, or one that runs.
class TraceOrder {
 public:
  /// In the thread of the worker whose session and log they are.
  using Tell = std::function<void(const TraceStep& step, Log& log)>;

  /// The next `sessions` that ask for one of `targets`.
  TraceOrder(std::vector<TargetPattern> targets, std::size_t sessions, Tell tell)
      : targets_(std::move(targets)), left_(sessions), tell_(std::move(tell)) {}

  void tell(const TraceStep& step, Log& log);
  /// From any thread; when this returns, nothing more is told.
  void close();

 private:
  friend class TraceBoard;

  std::vector<TargetPattern> targets_;
  std::size_t left_;  // guarded by the board's mutex
  std::mutex mutex_;
  Tell tell_;  // empty: closed
};

/// What sessions of all workers are to be traced.  From any thread.
class TraceBoard {
 public:
  using Orders = std::vector<std::shared_ptr<TraceOrder>>;

  void add(std::shared_ptr<TraceOrder> order);
  void remove(const TraceOrder& order);
  /// Whether somebody waits for a session at all.
  bool wants() const { return wants_.load(std::memory_order_relaxed); }
  /// Those who want a session that asks for `target`, and for whom it counts; `known` have it
  /// already.
  Orders take(const HostPort& target, const Orders& known = {});

 private:
  void drop_fulfilled();

  std::mutex mutex_;
  Orders waiting_;
  std::atomic<bool> wants_{false};
};

/// Writes each step into the log, as `--trace-target` has it: "trace 17 +1.250 ms: ...".
TraceOrder::Tell trace_to_log();

}  // namespace culvert
