#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "policy/stall_rule.h"
#include "server/session_rounds.h"
#include "session/session.h"

namespace culvert {

/// Finds the sessions of one worker in which something should move and nothing does, see
/// `--stall-after`, counts them and writes which side holds them up.  Ends none: that is what
/// StallWatch does.  Looks at all sessions now and then, and again only at those that were stuck;
/// what moves bytes knows nothing of it.
class StallReporter : private SessionRounds::Visitor {
 public:
  using Sessions = SessionRounds::Sessions;

  /// See SessionRounds.
  StallReporter(Loop& loop, const Sessions& sessions)
      : loop_(loop), sessions_(sessions), rounds_(loop, sessions, *this) {}
  StallReporter(const StallReporter&) = delete;
  StallReporter& operator=(const StallReporter&) = delete;

  /// From now on by the configuration of `newest`, to which the warnings go.
  void follow(SessionContext& newest);
  /// A session has begun.
  void on_session() {
    if (!rounds_.running()) wake();
  }
  /// No session is left.
  void rest() { rounds_.stop(); }
  /// A session is about to be destroyed.
  void forget(Session& session) {
    if (session.suspected) drop(session);
  }

  /// How many are stalled now.
  std::size_t stalled_now() const { return stalled_now_; }
  /// How often one was found so.
  std::uint64_t stalled_total() const { return stalled_total_; }
  /// nullopt: it is not.
  std::optional<SessionStall> stall_of(const Session& session) const;

 private:
  using Time = SessionRounds::Time;
  struct Suspect {
    StallCase stall;
    bool written = false;  // that it is stalled
  };

  [[gnu::cold]] void wake();
  void look(Session& session, Time now) override;
  void report(const Session& session, Suspect& suspect);
  void report_end(const Session& session, const Suspect& suspect);
  [[gnu::cold]] void drop(Session& session);

  Loop& loop_;
  const Sessions& sessions_;
  SessionContext* context_ = nullptr;
  std::chrono::milliseconds limit_{0};  // 0: none
  std::chrono::milliseconds tick_{0};   // between two rounds
  SessionRounds rounds_;                // while there are sessions
  std::unordered_map<const Session*, Suspect> suspects_;
  std::size_t stalled_now_ = 0;
  std::uint64_t stalled_total_ = 0;
};

}  // namespace culvert
