#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/client_usage.h"
#include "policy/token_bucket.h"

namespace culvert {

/// Bytes a second in each direction; 0: as many as can pass.
struct BandwidthRates {
  std::uint64_t all = 0;
  std::uint64_t per_client = 0;
  std::uint64_t per_user = 0;
};

/// Shares bandwidth among the flows of all workers.  A flow that wants to move bytes takes a
/// quantum from each bucket that is above it (everything, its client, its user), behind what others
/// have taken, and waits until it is its turn.  As each flow waits for one quantum at a time, the
/// buckets serve all that wait in turn; and as a client's quantum is divided by the number of its
/// flows that wait, clients get the same, however many tunnels they have.  Never takes a lock.
class Bandwidth {
 public:
  using Time = TokenBucket::Time;

  /// The most that moves in one turn of a flow: measured, a pipe's content costs least ...
  static constexpr std::uint64_t kMostQuantum = 1 << 20;
  /// ... and the least, so that packets do not become too small.
  static constexpr std::uint64_t kLeastQuantum = 1024;

  /// Also for flows that have begun.  What was taken at a lower rate is due sooner then; only those
  /// that know their turn already still wait for it.
  void set_rates(const BandwidthRates& rates);

  /// One direction of one session.
  struct Flow {
    ClientUsage* client = nullptr;  ///< nullptr: a client of a unix socket
    ClientUsage* user = nullptr;    ///< nullptr: it has no name
    Direction direction = Direction::up;
    bool waiting = false;  ///< kept by begin_waiting() and end_waiting()
  };
  /// Bytes that may pass from `from` on.
  struct Grant {
    std::size_t bytes = 0;
    Time from;
  };

  /// As many bytes as are a good share for `flow`, and no more than `most`.
  Grant take_turn(const Flow& flow, std::size_t most, Time now);
  void give_back(const Flow& flow, std::uint64_t bytes);

  /// It has more to move than it may: it counts among those that share, until it has no more.
  void begin_waiting(Flow& flow);
  void end_waiting(Flow& flow);

 private:
  struct Total {
    TokenBucket bytes;
    std::atomic<std::uint32_t> waiting_clients{0};
  };

  BandwidthRates rates() const;
  std::size_t quantum(const Flow& flow, const BandwidthRates& rates) const;
  template <typename Use>
  void for_each_bucket(const Flow& flow, const BandwidthRates& rates, const Use& use);
  Total& total(Direction direction) { return totals_[static_cast<std::size_t>(direction)]; }
  const Total& total(Direction direction) const {
    return totals_[static_cast<std::size_t>(direction)];
  }

  std::atomic<std::uint64_t> all_{0};
  std::atomic<std::uint64_t> per_client_{0};
  std::atomic<std::uint64_t> per_user_{0};
  std::array<Total, kDirections> totals_;
};

}  // namespace culvert
