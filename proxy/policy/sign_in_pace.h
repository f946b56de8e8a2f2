#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip_address.h"

namespace culvert {

/// How fast passwords are checked: the more of them were wrong, the slower.  Each user of the
/// password file has a pace of its own at each client address, and all other names one together, so
/// that who guesses holds up nobody else at the same address.  No client has so many checked at a
/// time that others have to wait for it.
class SignInPace {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Client {
    std::optional<IpAddress> address{};  ///< nullopt for a unix socket
    std::uint32_t uid = 0;               ///< its user's, who counts as one

    friend bool operator==(const Client&, const Client&) = default;
  };
  /// Who has one pace.
  struct Who {
    Client client;
    std::string user{};  ///< empty: there is no such user, whatever the name

    friend bool operator==(const Who&, const Who&) = default;
  };

  /// Wrong passwords without a delay: who mistypes is not to wait.
  static constexpr unsigned kFreeFailures = 3;
  static constexpr std::chrono::milliseconds kFirstDelay{250};  ///< doubles with each failure
  static constexpr std::chrono::milliseconds kLongestDelay{4'000};
  /// After so long without a failure they are forgotten.  For so long after a right password its
  /// user is not delayed at this address.
  static constexpr std::chrono::minutes kMemory{10};
  static constexpr std::size_t kMostWaiting = 32;          ///< checks of one pace
  static constexpr std::size_t kMostWaitingDelayed = 2;    ///< the same, once it has to be slow
  static constexpr std::size_t kMostWaitingOfClient = 64;  ///< with any user
  /// In all, of those that guess: the other places are for those that do not.
  static constexpr std::size_t kMostWaitingGuesses = 128;
  static constexpr std::size_t kMostKnown = 1'024;  ///< that are remembered

  /// `at_a_time`: checks of one client that run at the same time.
  explicit SignInPace(std::size_t at_a_time) : at_a_time_(at_a_time) {}

  /// One more check waits.  False if too many do: then it does not.
  bool wait(const Who& who, Time now);
  /// When the next one of those that wait may run; nullopt: not before another has ended.
  std::optional<Time> may_run(const Who& who) const;
  /// Its checks that wait or run, with those that were wrong, are more than who mistypes has; those
  /// of others come first.
  bool is_guessing(const Who& who, Time now) const;
  void run(const Who& who);
  /// One that waited is not wanted any more.
  void leave(const Who& who);
  /// One that ran has ended.
  void end(const Who& who, bool right, Time now);

  std::size_t remembered() const { return known_.size(); }

 private:
  struct Known {
    Who who;
    unsigned failures = 0;
    std::size_t waiting = 0;
    std::size_t running = 0;
    Time slow_until{};     ///< of its next check
    Time trusted_until{};  ///< without a delay
    Time last{};           ///< wait() or end()

    std::size_t checks() const { return failures + waiting + running; }
  };
  Known* find(const Who& who);
  const Known* find(const Who& who) const;
  Known& find_or_add(const Who& who, Time now);
  std::size_t waiting_of(const Client& client) const;
  std::size_t running_of(const Client& client) const;
  std::size_t guesses(Time now) const;

  std::size_t at_a_time_;
  std::vector<Known> known_;
  std::vector<Client> running_;  // of each check that runs
};

}  // namespace culvert
