#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "net/ticker.h"
#include "policy/stall_rule.h"
#include "session/session.h"

namespace culvert {

/// Finds the sessions of one worker in which something should move and nothing does, see
/// `--stall-after`, counts them and writes which side holds them up.  Ends none: that is what
/// StallWatch does.  Looks at all sessions now and then, in parts that do not hold the loop up, and
/// again only at those that were stuck; what moves bytes knows nothing of it.
class StallReporter {
 public:
  using Sessions = std::vector<std::unique_ptr<Session>>;

  /// `sessions` are the worker's; one that ends gives its place to the last one.
  StallReporter(Loop& loop, const Sessions& sessions)
      : loop_(loop),
        sessions_(sessions),
        ticker_(loop, Callback<void()>::to<&StallReporter::on_tick>(this)) {}

  /// From now on by the configuration of `newest`, to which the warnings go.
  void follow(SessionContext& newest);
  /// A session has begun.
  void on_session() {
    if (!ticker_.running()) wake();
  }
  /// No session is left.
  void rest() { ticker_.stop(); }
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
  using Time = Loop::Clock::time_point;
  struct Suspect {
    StallCase stall;
    bool written = false;  // that it is stalled
  };

  [[gnu::cold]] void wake();
  void on_tick();
  void look_at_some();
  void look(Session& session, Time now);
  void report(const Session& session, Suspect& suspect);
  void report_end(const Session& session, const Suspect& suspect);
  [[gnu::cold]] void drop(Session& session);

  Loop& loop_;
  const Sessions& sessions_;
  SessionContext* context_ = nullptr;
  std::chrono::milliseconds limit_{0};  // 0: none
  std::chrono::milliseconds tick_{0};   // between two walks over the sessions
  Ticker ticker_;                       // while there are sessions
  Time begun_ = Time::min();            // when the present walk began, or the last one ...
  Time begun_before_ = Time::min();     // ... and the one before
  std::size_t next_ = 0;                // the walk goes on below this index; 0: it is over
  std::unordered_map<const Session*, Suspect> suspects_;
  std::size_t stalled_now_ = 0;
  std::uint64_t stalled_total_ = 0;
};

}  // namespace culvert
