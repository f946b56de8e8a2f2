#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "net/loop.h"
#include "net/service_notice.h"
#include "net/timer.h"

namespace culvert {

/// Tells a service manager how the server is (sd_notify(3)): that it can serve, what it does, and
/// that the loop of each worker turns.  Belongs to the first worker's thread.
///
/// All of it comes from rounds: each loop is asked, and answers in its turn.  Only then the server
/// is ready, the watchdog content, and the status known; so a loop that is stuck is missed.
class ServiceReporter {
 public:
  /// Between two rounds at the most.
  static constexpr std::chrono::milliseconds kTick{5'000};

  struct Member {
    Loop& loop;
    std::function<std::size_t()> tunnels;  ///< how many run in it; called in its thread
  };
  /// The status in words, once the tunnels of all are known.
  using Describe = std::function<std::string(std::size_t tunnels)>;

  /// `loop` is the first member's.  All outlive it.
  ServiceReporter(Loop& loop, Log& log, const ServiceNotice& notice, std::vector<Member> members,
                  Describe describe);
  ServiceReporter(const ServiceReporter&) = delete;
  ServiceReporter& operator=(const ServiceReporter&) = delete;

  /// The members' loops run, or will in a moment: READY=1 once each has turned.
  void begin();
  /// RELOADING=1.
  void reloading();
  /// READY=1 once each has turned, and what the status says of it.
  void reloaded(bool changed);
  /// STOPPING=1, and more time as long as it drains: until `limit` is over (nullopt: for as long as
  /// it takes) and what follows a drain.  `status` as for describe.
  void draining(std::optional<std::chrono::milliseconds> limit,
                std::function<std::string()> status);
  /// MAINPID=: from now on that process speaks, and this one no more.  0: one that cannot be seen
  /// from here.
  void handed_over(int pid);

 private:
  struct Round {
    std::size_t left = 0;
    std::size_t tunnels = 0;
    bool makes_ready = false;
  };

  void begin_round(bool makes_ready);
  void on_answer(Round& round, std::size_t tunnels);
  void on_tick();
  void tell_drain();
  void complain_of_stuck();
  std::string status_line(std::string status);
  void send(std::string lines);
  void flush();

  Loop& loop_;
  Log& log_;
  const ServiceNotice& notice_;
  std::vector<Member> members_;
  Describe describe_;
  std::chrono::milliseconds tick_;
  Timer timer_;
  Timer retry_;
  std::shared_ptr<Round> round_;  // the last of those that a tick has begun
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::deque<std::string> unsent_;
  std::string status_;  // as it was told
  bool reload_failed_ = false;
  bool stuck_told_ = false;
  enum class State : std::uint8_t { serving, draining, silent } state_ = State::serving;
  std::function<std::string()> drain_status_;
  std::optional<Loop::Clock::time_point> drain_deadline_;
};

}  // namespace culvert
