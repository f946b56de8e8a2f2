#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "base/host_port.h"
#include "policy/breaker.h"

namespace culvert {

/// The requests for a target by name that wait for an upstream's reply, in all workers: sshd looks
/// names up in the process that moves the bytes of a session, so that a name server that is silent
/// stalls every tunnel of an `ssh -D`.  Every function may be called by any worker.
class PendingLookups {
 public:
  using Time = Breaker::Time;

  /// One that waits for less holds up nobody who would be told.
  static constexpr std::chrono::milliseconds kSlow{1'000};

  /// A request, kept by whoever makes it; removed before it is destroyed.
  class Entry {
   public:
    bool added() const { return target_ != nullptr; }

   private:
    friend class PendingLookups;
    const HostPort* target_ = nullptr;
    Time begun_{};
    Entry* before_ = nullptr;
    Entry* after_ = nullptr;
  };

  PendingLookups() = default;
  PendingLookups(const PendingLookups&) = delete;
  PendingLookups& operator=(const PendingLookups&) = delete;

  /// `target` stays as it is until remove().
  void add(Entry& entry, const HostPort& target, Time now);
  void remove(Entry& entry, Time now);

  struct Slow {
    std::string target;
    std::chrono::milliseconds waited;
  };
  /// The one that has waited longest, or else the last slow one that ended after `since`.
  std::optional<Slow> slow(Time since, Time now) const;

 private:
  static std::chrono::milliseconds waited(const Entry& entry, Time now);

  mutable std::mutex mutex_;
  Entry* oldest_ = nullptr;
  Entry* newest_ = nullptr;
  std::optional<Slow> last_slow_;  // of those that are over
  Time last_slow_end_{};
};

}  // namespace culvert
