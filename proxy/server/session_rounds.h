#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "net/ticker.h"
#include "session/session.h"

namespace culvert {

/// Looks at all sessions of one worker again and again, in parts that do not hold its loop up.  One
/// that begins or ends during a round may be left out of it.  Ends by itself when there is none.
class SessionRounds {
 public:
  using Sessions = std::vector<std::unique_ptr<Session>>;
  using Time = Loop::Clock::time_point;

  class Visitor {
   public:
    virtual ~Visitor() = default;
    virtual void begin_round() {}
    virtual void look(Session& session, Time now) = 0;
    virtual void end_round() {}
  };

  /// `sessions` are the worker's; one that ends gives its place to the last one.  All outlive it.
  SessionRounds(Loop& loop, const Sessions& sessions, Visitor& visitor)
      : loop_(loop),
        sessions_(sessions),
        visitor_(visitor),
        ticker_(loop, Callback<void()>::to<&SessionRounds::on_tick>(this)) {}

  /// See Ticker.
  [[gnu::cold]] void open() { ticker_.open(); }
  [[gnu::cold]] void start(std::chrono::milliseconds interval) { ticker_.start(interval); }
  bool running() const { return ticker_.running(); }
  [[gnu::cold]] void stop() { ticker_.stop(); }
  /// As stop(), and the next round is the first one.
  [[gnu::cold]] void reset();

  /// When the present round began, or the last one.  Time() if there was none.
  Time begun() const { return begun_; }
  /// The same of the one before.
  Time begun_before() const { return begun_before_; }

 private:
  void on_tick();
  void look_at_some();

  Loop& loop_;
  const Sessions& sessions_;
  Visitor& visitor_;
  Ticker ticker_;
  Time begun_{};
  Time begun_before_{};
  std::size_t next_ = 0;  // the round goes on below this index; 0: it is over
};

}  // namespace culvert
