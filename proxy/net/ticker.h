#pragma once

#include <chrono>
#include <cstdint>

#include "base/callback.h"
#include "net/loop.h"

namespace culvert {

/// Calls back again and again at an interval that is long: while it runs, the loop's turns cost no
/// more than without it, which a Timer does not give, as a loop with timers asks for the time
/// before it waits.  Runs by the system's clock.
class Ticker : private Pollable {
 public:
  Ticker(Loop& loop, Callback<void()> tick) : loop_(loop), tick_(tick) {}
  ~Ticker();
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  /// Takes the descriptor that start() needs, and keeps it.
  [[gnu::cold]] void open();
  /// Without a descriptor it does not run.  Restarts if it is running.
  [[gnu::cold]] void start(std::chrono::milliseconds interval);
  /// The next tick comes so soon, and others at the interval after it.
  [[gnu::cold]] void hurry(std::chrono::milliseconds delay);
  [[gnu::cold]] void stop();
  bool running() const { return running_; }

 private:
  void on_poll(std::uint32_t events) override;
  void set(std::chrono::milliseconds first, std::chrono::milliseconds interval) const;

  Loop& loop_;
  Callback<void()> tick_;
  std::chrono::milliseconds interval_{0};
  int fd_ = -1;
  bool running_ = false;
};

}  // namespace culvert
