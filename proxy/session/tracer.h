#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/host_port.h"
#include "base/log.h"
#include "base/trace.h"
#include "net/loop.h"
#include "session/trace_board.h"

namespace culvert {

/// The trace of one session, from its first step to its last.
class SessionTrace final : public Trace {
 public:
  /// Steps beyond that are left out, but for the last one, until somebody else wants to see it.
  static constexpr std::size_t kMostSteps = 1'000;

  /// Both outlive the session, of which this tells.
  SessionTrace(std::uint64_t session, Loop& loop, Log& log);

  void step(std::string_view text) override;
  /// The session is over; steps that are told later, of a dial that outlives it, are left out.
  void end(std::string_view text);

 private:
  friend class Tracer;
  void tell(std::string_view text, bool last);

  std::uint64_t session_;
  Loop* loop_;  // nullptr: the session is over
  Log& log_;
  Loop::Clock::time_point begun_;
  std::size_t steps_ = 0;
  TraceBoard::Orders orders_;
};

/// Which sessions of one worker are traced.  In that worker's thread.
class Tracer {
 public:
  /// All outlive it.
  Tracer(Loop& loop, Log& log, TraceBoard& board) : loop_(loop), log_(log), board_(board) {}

  /// Whether somebody waits for a session.
  bool wants() const { return board_.wants(); }
  /// A session asks for `target`, perhaps not its first one.  nullptr: nobody wants to see it.
  [[gnu::cold]] SessionTrace* consider(std::uint64_t session, const HostPort& target);
  /// `order` wants to see this session.
  [[gnu::cold]] SessionTrace& follow(std::uint64_t session, std::shared_ptr<TraceOrder> order);
  /// Of one that is traced.
  [[gnu::cold]] SessionTrace& of(std::uint64_t session) const { return *traces_.at(session); }
  /// The same, which is over.
  [[gnu::cold]] void end(std::uint64_t session, std::string_view text);

 private:
  Loop& loop_;
  Log& log_;
  TraceBoard& board_;
  std::unordered_map<std::uint64_t, std::shared_ptr<SessionTrace>> traces_;
};

}  // namespace culvert
