#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/ip_address.h"

namespace culvert {

/// How fast one client address may have passwords checked: the more of them were wrong, the slower,
/// and never so many at a time that other clients have to wait for it.
class SignInPace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// nullopt for a unix socket, whose clients count as one.
  using Client = std::optional<IpAddress>;

  /// Wrong passwords without a delay: who mistypes is not to wait.
  static constexpr unsigned kFreeFailures = 3;
  static constexpr std::chrono::milliseconds kFirstDelay{250};  ///< doubles with each failure
  static constexpr std::chrono::milliseconds kLongestDelay{4'000};
  /// After so long without a failure they are forgotten.
  static constexpr std::chrono::minutes kMemory{10};
  static constexpr std::size_t kMostWaiting = 32;        ///< checks of one client
  static constexpr std::size_t kMostWaitingDelayed = 2;  ///< the same, once it has to be slow
  static constexpr std::size_t kMostClients = 1'024;     ///< that are remembered

  /// `at_a_time`: checks of one client that run at the same time.
  explicit SignInPace(std::size_t at_a_time) : at_a_time_(at_a_time) {}

  /// One more check of `client` waits.  False if too many do: then it does not.
  bool wait(const Client& client, Time now);
  /// When the next one of those that wait may run; nullopt: not before another has ended.
  std::optional<Time> may_run(const Client& client) const;
  void run(const Client& client);
  /// One that waited is not wanted any more.
  void leave(const Client& client);
  /// One that ran has ended.
  void end(const Client& client, bool right, Time now);

  std::size_t remembered() const { return known_.size(); }

 private:
  struct Known {
    Client client;
    unsigned failures = 0;
    std::size_t waiting = 0;
    std::size_t running = 0;
    Time slow_until{};  ///< of its next check
    Time last{};        ///< wait() or end()
  };
  Known* find(const Client& client);
  const Known* find(const Client& client) const;
  Known& find_or_add(const Client& client, Time now);

  std::size_t at_a_time_;
  std::vector<Known> known_;
};

}  // namespace culvert
